/**
 * Tries an application in memory, as its developer's unit tests do: an operation runs, its acceptance test judges the
 * change with every built-in check, and only an accepted change takes effect. No cluster, no sandbox, no concurrency.
 */
import { ConfidentialIndex } from "../acceptance/confidential-index.ts";
import type { AcceptanceApplication } from "../acceptance/prepare-acceptance.ts";
import { prepareAcceptance } from "../acceptance/prepare-acceptance.ts";
import type { AcceptanceOutcome, AcceptanceRecord } from "../acceptance/record.ts";
import { runAcceptance } from "../acceptance/run-acceptance.ts";
import type { ContractProblem } from "../contract/compile-contract.ts";
import { compileContract } from "../contract/compile-contract.ts";
import type { ContractJson } from "../contract/contract-json.ts";
import type { ContractDefinition } from "../contract/define-contract.ts";
import { runOperation } from "../execution/run-operation.ts";

/** The default exports of the application's three files. */
export interface ApplicationFiles {
  readonly contract: ContractDefinition;
  readonly execution: unknown;
  readonly acceptance: unknown;
}

export interface TrialRequest {
  readonly principal?: string;
  /** Milliseconds since 1970. */
  readonly now?: number;
}

/** One request's way through the kit. */
export interface Trial {
  readonly record: AcceptanceRecord;
  readonly reply: { readonly status: number; readonly body: unknown };
  readonly outcome: AcceptanceOutcome;
}

export class TestKit {
  readonly contract: ContractJson;
  readonly #application: AcceptanceApplication;
  readonly #handlers: unknown;
  readonly #state = new Map<string, unknown>();
  readonly #confidential: ConfidentialIndex;
  #requests = 0;

  /** Begins with the objects of `genesis`. Throws naming every problem of contract and acceptance tests. */
  constructor(files: ApplicationFiles) {
    const contract = compileContract(files.contract);
    if (!contract.ok) throw new Error(problemText(contract.error));
    const application = prepareAcceptance(contract.value, files.acceptance);
    if (!application.ok) throw new Error(problemText(application.error));
    this.contract = contract.value;
    this.#application = application.value;
    this.#handlers = files.execution;
    this.#confidential = new ConfidentialIndex(contract.value);
    for (const { object, value } of contract.value.genesis) this.put(object, value);
  }

  /** Value of an object, null when it does not exist. */
  value(object: string): unknown {
    return this.#state.get(object) ?? null;
  }

  objects(): string[] {
    return [...this.#state.keys()];
  }

  /** Sets an object without any operation. */
  put(object: string, value: unknown): void {
    this.#state.set(object, value);
    this.#confidential.update(object, value);
  }

  /** Runs an operation, judges it, and applies its writes if they were accepted. Rejects if the handler throws. */
  async run(operation: string, input: unknown, request: TrialRequest = {}): Promise<Trial> {
    const record = await this.execute(operation, input, request);
    const outcome = this.judge(record);
    if (outcome.pass) for (const { object, after } of record.writes) this.put(object, after);
    return { record, reply: record.reply, outcome };
  }

  /** Runs an operation without judging or applying it. */
  async execute(operation: string, input: unknown, request: TrialRequest = {}): Promise<AcceptanceRecord> {
    const { principal = "tester", now = 0 } = request;
    const requestId = String(++this.#requests);
    const result = await runOperation({
      contract: this.contract,
      handlers: this.#handlers,
      operation,
      input,
      principal,
      now,
      requestId,
      deriveId: (label) => `${requestId}-${label}`,
      read: (object) => this.value(object),
    });
    return {
      operation,
      applicationVersion: "test",
      input,
      principal,
      now,
      reads: result.reads.map((object) => ({ object, value: this.value(object) })),
      writes: result.writes.map(({ object, value }) => ({ object, before: this.value(object), after: value })),
      reply: result.reply,
    };
  }

  /** Judges a change without applying it: what a captured server might have sent. */
  judge(record: AcceptanceRecord): AcceptanceOutcome {
    return runAcceptance(this.#application, record, { findConfidential: this.#confidential.find });
  }
}

/** Problems as lines of text. */
export const problemText = (problems: readonly ContractProblem[]): string =>
  problems.map(({ where, field, message }) => `${where}${field ? ` ${field}` : ""}: ${message}`).join("\n");
