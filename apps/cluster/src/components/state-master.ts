/**
 * The state master's process: consensus and metadata in its core and journal, the metadata's tables in a Postgres of its
 * own. The core never waits for Postgres.
 */
import { type MasterStore, migrateDeploy, migrationsDirectory, openMasterStore } from "@redoubt/database";
import { createStateMaster, type StateMasterEffect, type StateMasterInput } from "@redoubt/protocol";
import type { MetadataQueryMessage, ServerName, ToStateMaster } from "@redoubt/shared";
import { DatabaseKeeper } from "../adapters/postgres/index.ts";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { recordProcess } from "../runtime/record-process.ts";
import { createApplicationPort } from "./application-port.ts";
import { type ComponentBasis, openComponent, openServerJournal, secureRandom } from "./component.ts";
import { MasterMetadata } from "./master-metadata.ts";
import { findVersions, OpeningTimes, objectHeads, objectHistory, requestHistory } from "./metadata-explorer.ts";

export async function runStateMaster(environment: ServerEnvironment): Promise<void> {
  const basis = openComponent(environment);
  const { server, settings, application, hasher } = basis;
  const port = createApplicationPort(application.contract, hasher);
  const journal = await openServerJournal(server);
  const database = keepDatabase(basis);
  const core = createStateMaster(
    { hasher, random: secureRandom },
    { self: environment.server, masters: settings.masters },
  );
  const metadata = new MasterMetadata({
    store: () => database.store(),
    clusterOf: (object) => port.clusterOf(object) ?? 0,
    log: server.log,
    onFailure: () => database.keeper.reportFailure(),
  });
  const driver = new Driver<StateMasterInput, StateMasterEffect>({
    core,
    journal,
    codec: recordCodec,
    send: ({ to, message }) => server.send(to, message),
    onPressure: (isHigh) => server.holdBack(isHigh),
    perform: (effect) => {
      if (effect.kind === "apply") metadata.apply(effect);
    },
  });
  server.onStop(async () => metadata.close());
  server.onStop(() => database.stop());
  server.onStop(async () => driver.stop());
  const { records, replayMs } = await driver.start();
  server.log.info({ records, replayMs }, "journal replayed");
  await server.open({
    onMessage: (from, message) => {
      if (message.kind === "metadataQuery") void answerQuery(from.server, message);
      else driver.input({ kind: "message", from, message: message as ToStateMaster });
    },
  });
  const openingTimes = new OpeningTimes();
  const answerQuery = async (to: ServerName, { query, about }: MetadataQueryMessage): Promise<void> => {
    const store = database.store();
    const answer = await (async (): Promise<unknown> => {
      if (about.kind === "placement") return openingTimes.addTo(store, core.placement()).catch(() => core.placement());
      if (!store) return { error: "the database of this master is not there" };
      if (about.kind === "object") return objectHistory(store, about);
      if (about.kind === "request") return requestHistory(store, about.requestId);
      if (about.kind === "objects") return objectHeads(store, about);
      if (about.kind === "versions") return findVersions(store, about.search);
      const digest = await store.digest();
      return {
        ...digest,
        appliedSlot: Number(digest.appliedSlot),
        decidedThrough: core.decidedThrough,
        backlog: metadata.backlog,
      };
    })().catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }));
    server.send(to, { kind: "metadata", query, answer });
  };
  database.start();
  server.reportHealth(() => ({
    ready: true,
    role: core.isPrimary ? "primary" : "backup",
    counters: {
      steps: driver.steps,
      decidedThrough: core.decidedThrough,
      appliedSlot: metadata.appliedSlot,
      backlog: metadata.backlog,
      databaseUp: database.store() ? 1 : 0,
    },
    processes: database.processes(),
  }));
}

/** Starts (or adopts) this master's Postgres beside the core, and opens the store once it is there and migrated. */
function keepDatabase({ server }: ComponentBasis) {
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
