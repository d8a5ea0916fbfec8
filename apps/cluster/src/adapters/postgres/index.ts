/** Embedded Postgres: started, adopted and kept running by the process that needs the database. */
export { DatabaseKeeper, type DatabaseKeeperOptions, type DatabaseState } from "./database-keeper.ts";
export { type RunningPostgres, type StartPostgresOptions, startPostgres } from "./start-postgres.ts";
