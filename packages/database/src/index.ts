/** The databases of the state masters and the configuration manager behind repositories; nobody else imports Prisma. */
export { MigrationError, migrateDeploy, migrationsDirectory, type SchemaName } from "./migrate.ts";
