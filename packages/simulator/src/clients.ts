/**
 * Closed-loop clients: each asks, waits, repeats the same key until it has a definite answer, then asks the next. They
 * retry on silence, 429, 503 and 504, as the client API tells them to.
 */
import { ACCOUNTS, type BankInput, type BankOperation } from "./bank.ts";
import type { ClientOperation } from "./observation.ts";
import type { SeededRandom } from "./random.ts";

export interface ClientPlan {
  readonly name: string;
  /** Whose key it uses; its own where absent. Several with one key are one client with several requests at a time. */
  readonly principal?: string;
  readonly operations: number;
  /** Between an answer and the next request, at most. */
  readonly thinkMs?: number;
  /** Mixed in among the honest operations, by a client whose name does not start with "honest". */
  readonly attacks: readonly BankOperation[];
  /** What it asks first, word for word; `operations` counts these too. */
  readonly script?: readonly { readonly operation: BankOperation; readonly input: BankInput; readonly key: string }[];
}

export interface Response {
  readonly status: number;
  readonly replyText: string;
}

export interface ClientSurroundings {
  readonly now: () => number;
  readonly later: (delayMs: number, run: () => void) => void;
  /** Sends to the regulator; the answer comes through {@link SimulatedClient.answered} with the exchange. */
  readonly submit: (exchange: string, client: SimulatedClient, operation: ClientOperation) => void;
  readonly nextId: () => number;
}

const PATIENCE_MS = 1_500;

export class SimulatedClient {
  readonly name: string;
  readonly principal: string;
  readonly address: string;
  readonly history: ClientOperation[] = [];
  readonly #plan: ClientPlan;
  readonly #random: SeededRandom;
  readonly #surroundings: ClientSurroundings;
  #current: ClientOperation | undefined;
  #exchange = "";
  #exchanges = 0;
  #remaining: number;
  readonly #attacks: BankOperation[];

  constructor(plan: ClientPlan, address: string, random: SeededRandom, surroundings: ClientSurroundings) {
    this.name = plan.name;
    this.principal = plan.principal ?? plan.name;
    this.address = address;
    this.#plan = plan;
    this.#random = random;
    this.#surroundings = surroundings;
    this.#remaining = plan.operations;
    this.#attacks = [...plan.attacks];
  }

  get done(): boolean {
    return this.#current === undefined && this.#remaining === 0;
  }

  next(): void {
    if (this.#remaining === 0) return;
    this.#remaining -= 1;
    const id = this.#surroundings.nextId();
    const scripted = this.#plan.script?.[this.history.length];
    const attackNow = this.#attacks.length > 0 && (this.#remaining < this.#attacks.length || this.#random.chance(0.4));
    const chosen = attackNow ? (this.#attacks.shift() as BankOperation) : this.#honestOperation();
    const operation = scripted?.operation ?? chosen;
    const input = scripted?.input ?? this.#input(operation, `${this.#plan.name}-${id}`);
    const entry: ClientOperation = {
      id,
      client: this.name,
      operation,
      input,
      key: scripted?.key ?? input.stamp,
      invokedAt: this.#surroundings.now(),
      completedAt: undefined,
      status: undefined,
      replyText: undefined,
      requestId: undefined,
      sent: 0,
    };
    this.history.push(entry);
    this.#current = entry;
    this.#send();
  }

  answered(exchange: string, response: Response): void {
    const current = this.#current;
    if (exchange !== this.#exchange || !current) return;
    if (response.status === 429 || response.status === 503 || response.status === 504) {
      this.#exchange = "";
      this.#surroundings.later(this.#random.between(10, 60), () => {
        if (this.#current === current) this.#send();
      });
      return;
    }
    // Held for a person: asked again now and then, until there is a definite answer.
    if (response.status === 202) {
      current.held = true;
      this.#exchange = "";
      this.#surroundings.later(this.#random.between(20, 150), () => {
        if (this.#current === current) this.#send();
      });
      return;
    }
    current.completedAt = this.#surroundings.now();
    current.status = response.status;
    current.replyText = response.replyText;
    this.#current = undefined;
    this.#surroundings.later(this.#random.between(0, this.#plan.thinkMs ?? 8), () => this.next());
  }

  #send(): void {
    const current = this.#current;
    if (!current) return;
    current.sent += 1;
    const exchange = `${this.name}/${++this.#exchanges}`;
    this.#exchange = exchange;
    this.#surroundings.submit(exchange, this, current);
    this.#surroundings.later(PATIENCE_MS, () => {
      if (this.#current === current && this.#exchange === exchange) this.#send();
    });
  }

  #honestOperation(): BankOperation {
    const draw = this.#random();
    if (draw < 0.5) return "transfer";
    return draw < 0.75 ? "deposit" : "read";
  }

  #input(operation: BankOperation, stamp: string): BankInput {
    const random = this.#random;
    const account = random.below(ACCOUNTS);
    if (operation === "transfer") {
      const to = (account + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
      return { from: account, to, amount: 1 + random.below(400), stamp };
    }
    if (operation === "read") {
      const other = (account + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
      return { accounts: random.chance(0.5) ? [account] : [account, other], stamp };
    }
    return { account, amount: 1 + random.below(50), stamp };
  }
}
