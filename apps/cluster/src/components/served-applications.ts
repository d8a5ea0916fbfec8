/**
 * The versions of the application that one server can serve: the one the cluster was made with, those that the directory on
 * its node's disk names when it starts, and those that come while it runs. Each is loaded by its content address and
 * checked against it, so a server cannot be given something else under a version's name. None is ever forgotten: requests and
 * objects may name any of them.
 */
import { join } from "node:path";
import type { ApplicationDirectory } from "@redoubt/shared";
import { type LoadedApplication, loadApplication } from "../applications/load-application.ts";
import type { ServerProcess } from "../runtime/server-process.ts";

const HASH = /^[0-9a-f]{64}$/;
/** A bundle that is not whole yet is looked for again. */
const RETRY_MS = 500;

export class ServedApplications {
  readonly #server: ServerProcess;
  readonly #byHash = new Map<string, LoadedApplication>();
  /** What the directory names and is not here. */
  readonly #missing = new Set<string>();
  readonly #listeners: ((application: LoadedApplication) => void)[] = [];
  readonly #readyListeners: ((ready: ReadonlySet<string>) => void)[] = [];
  #ready: ReadonlySet<string>;
  #timer: NodeJS.Timeout | undefined;

  constructor(server: ServerProcess, first: LoadedApplication) {
    this.#server = server;
    this.#byHash.set(first.hash, first);
    this.#ready = new Set([first.hash]);
    const stored = server.storedDirectory?.applications;
    if (stored) this.#take(stored);
    server.onApplications((applications) => this.#take(applications));
    server.onStop(async () => clearInterval(this.#timer));
  }

  of(hash: string): LoadedApplication | undefined {
    return this.#byHash.get(hash);
  }

  /** In the order in which they came. */
  get all(): readonly LoadedApplication[] {
    return [...this.#byHash.values()];
  }

  /** For which workers are to be ready. */
  get ready(): ReadonlySet<string> {
    return this.#ready;
  }

  /** Called for each version that comes from now on. */
  onLoaded(listener: (application: LoadedApplication) => void): void {
    this.#listeners.push(listener);
  }

  /** Called when other versions are to have workers ready. */
  onReady(listener: (ready: ReadonlySet<string>) => void): void {
    this.#readyListeners.push(listener);
  }

  #take({ known, ready }: ApplicationDirectory): void {
    for (const hash of [...known, ...ready]) if (HASH.test(hash) && !this.#byHash.has(hash)) this.#missing.add(hash);
    this.#load();
    this.#ready = new Set(ready);
    for (const listener of this.#readyListeners) listener(this.#ready);
  }

  #load(): void {
    for (const hash of this.#missing) {
      try {
        const application = loadApplication(join(this.#server.layout.applications, hash));
        this.#missing.delete(hash);
        this.#byHash.set(hash, application);
        for (const listener of this.#listeners) listener(application);
        this.#server.log.info({ application: hash }, "a version of the application is here");
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#server.log.warn({ application: hash, reason }, "a version of the application cannot be loaded");
      }
    }
    if (this.#missing.size === 0) clearInterval(this.#timer);
    else if (this.#timer === undefined || this.#missing.size > 0) {
      clearInterval(this.#timer);
      this.#timer = setInterval(() => this.#load(), RETRY_MS);
      this.#timer.unref();
    }
  }
}
