/**
 * Keeps the database of one server there: starts or adopts its embedded Postgres, notices when it is gone and starts it
 * again, with pauses that grow while that fails. With a database URL from the environment it keeps nothing and only says
 * where the database is.
 *
 * Nothing acknowledged is lost by a restart, and the URL stays the same. Work that was under way fails once; its owner
 * repeats it. Whether a query can be repeated is the repositories' business, not the keeper's.
 */
import { type RunningPostgres, type StartPostgresOptions, startPostgres } from "./start-postgres.ts";

const watchIntervalMs = 250;
const restartPauseMsMin = 100;
const restartPauseMsMax = 10_000;
/** A database that stayed up this long is healthy again: the next failure starts with the shortest pause. */
const healthyAfterMs = 30_000;

export type DatabaseState =
  | { readonly kind: "up"; readonly pid: number | undefined; readonly adopted: boolean }
  | { readonly kind: "down"; readonly cause: string }
  | { readonly kind: "stopped" };

export interface DatabaseKeeperOptions {
  /** Database on the instance that `url()` names. */
  readonly database: string;
  /** URL of a database somebody else keeps; then `embedded` is not used. */
  readonly externalUrl?: string | undefined;
  readonly embedded: Omit<StartPostgresOptions, "databases">;
  /** Told every change of state, the first included. */
  readonly onState?: (state: DatabaseState) => void;
}

export class DatabaseKeeper {
  readonly #options: DatabaseKeeperOptions;
  #running: RunningPostgres | undefined;
  #state: DatabaseState = { kind: "stopped" };
  #watch: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #restarting: Promise<void> | undefined;
  #failures = 0;
  #upSince = 0;
  #ended = false;

  constructor(options: DatabaseKeeperOptions) {
    this.#options = options;
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** Resolves when the database is there for the first time. @throws Error if it cannot be started */
  async start(): Promise<void> {
    if (this.#options.externalUrl !== undefined) {
      this.#enter({ kind: "up", pid: undefined, adopted: true });
      return;
    }
    await this.#startOnce();
    // A timer, because a Postgres adopted from a dead owner is nobody's child and sends no signal when it ends.
    this.#watch = setInterval(() => this.#check(), watchIntervalMs);
    this.#watch.unref();
  }

  /** Connection URL; the same before and after a restart. @throws Error before `start()` has resolved */
  url(): string {
    if (this.#options.externalUrl !== undefined) return this.#options.externalUrl;
    if (this.#running === undefined) throw new Error(`database ${this.#options.database} has not been started`);
    return this.#running.url(this.#options.database);
  }

  /** To be called when a query failed for want of a connection: looks at once instead of at the next interval. */
  reportFailure(): void {
    this.#check();
  }

  /**
   * Ends the keeping. With `leaveRunning` the instance goes on and the next owner adopts it; otherwise it is stopped.
   * An external database is left alone.
   */
  async stop({ leaveRunning }: { leaveRunning: boolean }): Promise<void> {
    this.#ended = true;
    clearInterval(this.#watch);
    this.#wake?.();
    await this.#restarting;
    if (!leaveRunning) await this.#running?.stop();
    this.#enter({ kind: "stopped" });
  }

  #check(): void {
    if (this.#running === undefined || this.#ended || this.#restarting !== undefined) return;
    if (this.#running.isAlive()) return;
    this.#enter({ kind: "down", cause: `Postgres (process ${this.#running.pid}) ended` });
    this.#restarting = this.#restart().finally(() => {
      this.#restarting = undefined;
    });
  }

  async #restart(): Promise<void> {
    if (performance.now() - this.#upSince > healthyAfterMs) this.#failures = 0;
    while (!this.#ended) {
      await this.#pause(Math.min(restartPauseMsMin * 2 ** this.#failures, restartPauseMsMax));
      if (this.#ended) return;
      this.#failures += 1;
      try {
        return await this.#startOnce();
      } catch (error) {
        this.#enter({ kind: "down", cause: error instanceof Error ? error.message : String(error) });
      }
    }
  }

  async #startOnce(): Promise<void> {
    const { embedded, database } = this.#options;
    // A port chosen by the system at the first start is kept, so that the URL stays the same.
    const port = this.#running?.port ?? embedded.port;
    this.#running = await startPostgres({ ...embedded, port, databases: [database] });
    this.#upSince = performance.now();
    this.#enter({ kind: "up", pid: this.#running.pid, adopted: this.#running.adopted });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #enter(state: DatabaseState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}
