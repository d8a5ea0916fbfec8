/**
 * Holds the requests in workers to their CPU budgets (ADR 0015, REQUIREMENTS A19, R46): looks twenty times a second at what the
 * kernel counted for each worker with something inside, and not at all while nothing is. Threads of a handler add up.
 * Where the kernel tells nothing (no /proc), deadlines are all there is.
 */
import { availableParallelism } from "node:os";
import { CpuAccount } from "./cpu-account.ts";

const LOOK_MS = 50;

interface Watched {
  /** CPU time of its process with all threads so far. */
  readonly worker: { cpuMs(): number | undefined };
}

export class CpuWatch<Member extends Watched> {
  readonly #accounts = new Map<Member, CpuAccount>();
  readonly #onOver: (member: Member, execution: string, detail: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onOver` is called for one request of a worker; what else is inside has ended with it, and is forgotten here. */
  constructor(onOver: (member: Member, execution: string, detail: string) => void) {
    this.#onOver = onOver;
  }

  begin(member: Member, execution: string, budgetMs: number): void {
    let account = this.#accounts.get(member);
    if (!account) {
      account = new CpuAccount(availableParallelism());
      this.#accounts.set(member, account);
    }
    account.begin(execution, budgetMs, performance.now());
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  end(member: Member, execution: string): void {
    this.#accounts.get(member)?.end(execution, performance.now());
  }

  /** Its process is ended. */
  forget(member: Member): void {
    this.#accounts.delete(member);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#accounts.clear();
  }

  #look(): void {
    for (const [member, account] of [...this.#accounts]) {
      if (account.isEmpty) {
        this.#accounts.delete(member);
        continue;
      }
      const usedMs = member.worker.cpuMs();
      const over = usedMs === undefined ? undefined : account.look(usedMs, performance.now());
      if (!over) continue;
      this.#accounts.delete(member);
      const detail = `${Math.round(over.usedMs)} ms of CPU time, ${over.budgetMs} ms are allowed`;
      this.#onOver(member, over.execution, detail);
    }
    if (this.#accounts.size === 0) this.close();
  }
}
