/**
 * The process around the console: it keeps the log-in database and runs the Next.js server as its child, again when it
 * ends. It holds no cluster certificate and no links; the console reaches the cluster through the administration API
 * alone. When this process ends, the child ends with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { migrateDeploy, migrationsDirectory } from "@redoubt/database";
import { createLogger } from "./adapters/logging/index.ts";
import { DatabaseKeeper } from "./adapters/postgres/index.ts";
import { inheritedEnvironment, readServerEnvironment } from "./env.ts";
import { CONSOLE_ADMIN_FILE } from "./launch/prepare.ts";
import { dataLayout } from "./runtime/data-layout.ts";
import { recordProcess } from "./runtime/record-process.ts";

const RESTART_PAUSE_MS = 500;
const environment = readServerEnvironment();
const { data, settings } = environment;
const layout = dataLayout(data);
const log = createLogger({ name: "console", level: environment.logLevel });

const database = new DatabaseKeeper({
  database: "auth",
  externalUrl: settings.authDatabaseUrl,
  embedded: {
    dataDirectory: layout.postgres("auth"),
    port: Number(settings.authPostgresPort),
    onLog: (line: string) => log.info({ postgres: "auth" }, line),
  },
  onState: (state) => {
    log.info({ state }, "database");
    if (state.kind === "up" && state.pid !== undefined) recordProcess(layout.run, "postgres-auth", state.pid);
  },
});

let child: ChildProcess | undefined;
let ending = false;

function firstAdministrator(): Record<string, string> {
  const file = join(layout.secrets, CONSOLE_ADMIN_FILE);
  if (!existsSync(file)) return {};
  const { email, password } = JSON.parse(readFileSync(file, "utf8")) as { email: string; password: string };
  return { REDOUBT_ADMIN_EMAIL: email, REDOUBT_ADMIN_PASSWORD: password };
}

function runConsole(): void {
  const entry = join(import.meta.dirname, "..", "..", "console", ".next", "standalone", "apps", "console", "server.js");
  child = spawn(process.execPath, [entry], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...inheritedEnvironment(),
      NODE_ENV: "production",
      NEXT_TELEMETRY_DISABLED: "1",
      PORT: settings.port ?? "",
      HOSTNAME: "127.0.0.1",
      AUTH_DATABASE_URL: database.url(),
      BETTER_AUTH_SECRET: readFileSync(join(layout.secrets, "auth-secret"), "utf8").trim(),
      BETTER_AUTH_URL: `http://127.0.0.1:${settings.port}`,
      REDOUBT_ENDPOINTS: layout.endpoints,
      ...firstAdministrator(),
    },
  });
  if (child.pid !== undefined) recordProcess(layout.run, "console-web", child.pid);
  child.once("exit", (code, signal) => {
    if (ending) return;
    log.warn({ code, signal }, "the console's server ended; starting it again");
    setTimeout(runConsole, RESTART_PAUSE_MS);
  });
}

async function end(): Promise<void> {
  ending = true;
  child?.kill("SIGTERM");
  await database.stop({ leaveRunning: false });
  process.exit(0);
}

process.once("SIGTERM", () => void end());
process.once("SIGINT", () => void end());
await database.start();
await migrateDeploy(database.url(), migrationsDirectory("auth"));
runConsole();
