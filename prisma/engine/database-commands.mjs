/** One-shot commands of the native schema engine: can-connect-to-database, create-database, drop-database. */
import pg from "pg";

/** Postgres error code → Prisma error code and the sentence Prisma's own engine says. */
const prismaErrors = {
  "3D000": (database) => ["P1003", `Database \`${database}\` does not exist`],
  "42P04": (database) => ["P1009", `Database \`${database}\` already exists`],
  "28P01": (_database, message) => ["P1000", `Authentication failed: ${message}`],
  28000: (_database, message) => ["P1000", `Authentication failed: ${message}`],
};

/**
 * @param {string} command
 * @param {string | undefined} url connection URL of the database the command is about
 * @returns {Promise<number>} exit code; a failure is described on standard error as Prisma expects it
 */
export async function runDatabaseCommand(command, url) {
  if (url === undefined) return fail("P1001", "no datasource URL was given");
  const database = decodeURIComponent(new URL(url).pathname.slice(1)) || "postgres";
  const quoted = pg.escapeIdentifier(database);
  const maintenanceUrl = new URL(url);
  maintenanceUrl.pathname = "/postgres";
  const commands = {
    "can-connect-to-database": () => query(url, "SELECT 1"),
    "create-database": () => query(String(maintenanceUrl), `CREATE DATABASE ${quoted}`),
    "drop-database": () => query(String(maintenanceUrl), `DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`),
  };
  const run = commands[command];
  if (run === undefined) return fail("P0000", `unknown command ${command}`);
  try {
    await run();
    return 0;
  } catch (error) {
    const known = prismaErrors[error.code];
    if (known !== undefined) return fail(...known(database, error.message));
    return fail("P1001", `Can't reach database server: ${error.message}`);
  }
}

async function query(connectionString, sql) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function fail(errorCode, message) {
  const fields = { error_code: errorCode, message, is_panic: false };
  process.stderr.write(`\n${JSON.stringify({ level: "ERROR", target: "schema_engine::logger", fields })}\n`);
  return 1;
}
