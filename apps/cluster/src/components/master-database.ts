/** A state master's Postgres: started or adopted, migrated, opened, watched. */
import { type MasterStore, migrateDeploy, migrationsDirectory, openMasterStore } from "@redoubt/database";
import { DatabaseKeeper } from "../adapters/postgres/index.ts";
import { recordProcess } from "../runtime/record-process.ts";
import type { ComponentBasis } from "./component.ts";

/** Starts (or adopts) this master's Postgres beside the core, and opens the store once it is there and migrated. */
export function keepMasterDatabase({ server }: ComponentBasis, onChange: () => void) {
  const { settings, server: name } = server.environment;
  const instance = settings.postgres ?? name;
  let opened: { store: MasterStore; close: () => Promise<void> } | undefined;
  const keeper = new DatabaseKeeper({
    database: "redoubt",
    externalUrl: settings.databaseUrl,
    embedded: {
      dataDirectory: server.layout.postgres(instance),
      port: Number(settings.postgresPort ?? 0),
      onLog: (line: string) => server.log.info({ postgres: instance }, line),
    },
    onState: (state) => {
      server.log.info({ state }, "database");
      onChange();
      if (state.kind === "up" && state.pid !== undefined)
        recordProcess(server.layout.run, `postgres-${instance}`, state.pid);
    },
  });
  const start = async (): Promise<void> => {
    try {
      await keeper.start();
      await migrateDeploy(keeper.url(), migrationsDirectory("master"));
      opened = openMasterStore(keeper.url());
    } catch (error) {
      server.log.error(
        { error: error instanceof Error ? error.message : error },
        "the database did not start; trying again",
      );
      setTimeout(() => void start(), 2_000).unref();
    }
  };
  return {
    keeper,
    start: () => void start(),
    store: () => opened?.store,
    processes: () => {
      const { state } = keeper;
      return state.kind === "up" && state.pid !== undefined ? [{ name: `postgres-${instance}`, pid: state.pid }] : [];
    },
    async stop() {
      await opened?.close();
      await keeper.stop({ leaveRunning: settings.keepDatabase === "true" });
    },
  };
}
