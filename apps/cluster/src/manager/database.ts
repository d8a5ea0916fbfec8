/**
 * The manager's own Postgres: started or adopted, kept running, migrated, opened. It may be away at any moment; whoever
 * works in the background waits for it (`persistently`), whoever answers a person says that it is away (`answering`).
 */
import {
  isTransient,
  type ManagerOpening,
  type ManagerStore,
  migrateDeploy,
  migrationsDirectory,
  openManagerStore,
  readManagerOpening,
} from "@redoubt/database";
import { DatabaseKeeper } from "../adapters/postgres/index.ts";
import { AdministrationError } from "../administration/index.ts";
import { recordProcess } from "../runtime/record-process.ts";
import type { ServerProcess } from "../runtime/server-process.ts";

/** What it needs of the process it is in. */
export interface DatabaseSurroundings {
  readonly layout: Pick<ServerProcess["layout"], "run" | "postgres">;
  readonly log: ServerProcess["log"];
}

const INSTANCE = "manager";
const START_RETRY_MS = 1_000;
const BACKGROUND_AFTER_MS = 400;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A person waits this long for a database that is just being started again. */
const ANSWER_PATIENCE_MS = 5_000;
/** Events whose sources a starting manager reads: more than can be under way in the moment one is killed. */
const SOURCES_READ = 2_000;

export class ManagerDatabase {
  readonly #server: DatabaseSurroundings;
  readonly #keeper: DatabaseKeeper;
  readonly #opened: Promise<ManagerStore>;
  #resolveOpened: (store: ManagerStore) => void = () => undefined;
  readonly #opening: Promise<ManagerOpening>;
  #resolveOpening: (opening: ManagerOpening) => void = () => undefined;
  #store: ManagerStore | undefined;
  #closed = false;

  constructor(server: DatabaseSurroundings, port: number, externalUrl: string | undefined) {
    this.#server = server;
    this.#opened = new Promise((resolve) => {
      this.#resolveOpened = resolve;
    });
    this.#opening = new Promise((resolve) => {
      this.#resolveOpening = resolve;
    });
    const name = `postgres-${INSTANCE}`;
    this.#keeper = new DatabaseKeeper({
      database: "redoubt",
      externalUrl,
      embedded: {
        dataDirectory: server.layout.postgres(INSTANCE),
        port,
        name: INSTANCE,
        onPid: (pid) => recordProcess(server.layout.run, name, pid),
        onLog: (line) => server.log.info({ postgres: INSTANCE }, line),
      },
      onState: (state) => {
        server.log.info({ state }, "database");
        if (state.kind === "up" && state.pid !== undefined) recordProcess(server.layout.run, name, state.pid);
      },
    });
  }

  /** Returns at once; `opened` resolves when the database can be used. */
  start(): void {
    void this.#open();
  }

  /** The store once the database was there for the first time. */
  get opened(): Promise<ManagerStore> {
    return this.#opened;
  }

  /** What was found when the database was there for the first time; before `opened`, because people wait for it. */
  get opening(): Promise<ManagerOpening> {
    return this.#opening;
  }

  /** The same as it is now. Rejects when the database is away. */
  readOpening(): Promise<ManagerOpening> {
    return readManagerOpening(this.#keeper.url(), SOURCES_READ);
  }

  get store(): ManagerStore | undefined {
    return this.#store;
  }

  get processes(): readonly { readonly name: string; readonly pid: number }[] {
    const { state } = this.#keeper;
    return state.kind === "up" && state.pid !== undefined ? [{ name: `postgres-${INSTANCE}`, pid: state.pid }] : [];
  }

  /** Repeats the work until the database takes it. Only for work that may be done twice. */
  async persistently<Value>(work: (store: ManagerStore) => Promise<Value>): Promise<Value> {
    const store = await this.#opened;
    for (let pauseMs = RETRY_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
      try {
        return await work(store);
      } catch (error) {
        if (this.#closed || !isTransient(error)) throw error;
        this.#keeper.reportFailure();
        await pause(pauseMs);
      }
    }
  }

  /** For an answer to a person: a database that stays away is said, not waited for. */
  async answering<Value>(work: (store: ManagerStore) => Promise<Value>): Promise<Value> {
    const deadline = performance.now() + ANSWER_PATIENCE_MS;
    for (let pauseMs = RETRY_FIRST_MS; ; pauseMs *= 2) {
      const store = this.#store;
      if (store) {
        try {
          return await work(store);
        } catch (error) {
          if (!isTransient(error)) throw error;
          this.#keeper.reportFailure();
        }
      }
      if (performance.now() + pauseMs > deadline) {
        throw new AdministrationError("unavailable", "The manager's database is being started again; try in a moment.");
      }
      await pause(pauseMs);
    }
  }

  /** The instance goes on: the next manager adopts it, and `redoubt down` ends it by its record. */
  async stop(): Promise<void> {
    this.#closed = true;
    await this.#store?.close();
    await this.#keeper.stop({ leaveRunning: true });
  }

  async #open(): Promise<void> {
    try {
      await this.#keeper.start();
      await migrateDeploy(this.#keeper.url(), migrationsDirectory("manager"));
      this.#resolveOpening(await this.readOpening());
      const store = openManagerStore(this.#keeper.url());
      this.#store = store;
      // Those who wait for the store make its engine compute for some hundred milliseconds in which nobody is answered: nodes
      // and people who wait for this manager to be back come first.
      setTimeout(() => this.#resolveOpened(store), BACKGROUND_AFTER_MS);
    } catch (error) {
      if (this.#closed) return;
      const text = error instanceof Error ? error.message : String(error);
      this.#server.log.error({ error: text }, "the database did not start; trying again");
      setTimeout(() => void this.#open(), START_RETRY_MS).unref();
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms));
