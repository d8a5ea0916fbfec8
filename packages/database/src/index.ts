/** The databases of the state masters and the configuration manager behind repositories; nobody else imports Prisma. */

export { openMasterStore } from "./master/client.ts";
export { MasterStore } from "./master/master-store.ts";
export * from "./master/rows.ts";
export { MigrationError, migrateDeploy, migrationsDirectory, type SchemaName } from "./migrate.ts";
