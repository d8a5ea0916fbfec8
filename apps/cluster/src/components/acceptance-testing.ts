/**
 * Acceptance tests beside a core: turns a core's `test` effect into a record for the acceptance worker, and its verdict
 * into the core's input. Keeps the index of confidential texts of everything *verified* that this server stores: what is
 * only pending may be an intruder's invention, and must not make honest replies look like leaks. What a server's replies tell
 * in parts is watched beside it: reported, never a verdict.
 */
import {
  type AcceptanceRecord,
  type ContractJson,
  evaluateAccess,
  type ObjectContract,
  objectContractOf,
  type PartedLeak,
  type RecordedRead,
  type RecordedWrite,
  ReplyWatch,
} from "@redoubt/application";
import type { AcceptanceTestEffect, AcceptanceTestedInput } from "@redoubt/protocol";
import { type ChangeRecord, type Decision, parseStored, type Verdict } from "@redoubt/shared";
import { type LoadedApplication, sha256 } from "../applications/load-application.ts";
import { type AcceptanceWorker, createAcceptanceWorker } from "../workers/index.ts";
import { ConfidentialTexts } from "./confidential-texts.ts";
import type { ServedApplications } from "./served-applications.ts";

export interface AcceptanceTesting {
  readonly test: (effect: AcceptanceTestEffect) => void;
  /** To be told every change this server stores; it counts once it is verified. */
  readonly stored: (record: ChangeRecord) => void;
  /** To be told what the masters decided. */
  readonly decided: (decisions: readonly Decision[]) => void;
  readonly confidential: ConfidentialTexts;
  /** Versions whose routines are loaded. */
  readonly versions: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** One worker for each version of the application: a change is judged by the routine of the version its ticket names (R38). */
export function createAcceptanceTesting(
  applications: ServedApplications,
  onTested: (input: AcceptanceTestedInput) => void,
  onPartedLeak: (effect: AcceptanceTestEffect, leak: PartedLeak) => void = () => {},
): AcceptanceTesting {
  const confidential = new ConfidentialTexts(mergedContract(applications.all));
  const replies = new ReplyWatch(confidential.find);
  const workers = new Map<string, AcceptanceWorker>();
  const workerOf = (version: string): AcceptanceWorker | undefined => {
    const known = workers.get(version);
    const application = applications.of(version);
    if (known || !application) return known;
    const worker = createAcceptanceWorker({
      application,
      findConfidential: confidential.find,
      onVerdict: (test, verdict) => onTested({ kind: "tested", test, verdict }),
    });
    workers.set(version, worker);
    return worker;
  };
  const prepare = (): void => {
    for (const version of applications.ready) workerOf(version);
  };
  prepare();
  applications.onReady(prepare);
  applications.onLoaded(prepare);
  const answer = (test: string, verdict: Verdict): void =>
    void setImmediate(() => onTested({ kind: "tested", test, verdict }));
  return {
    test(effect) {
      const worker = workerOf(effect.applicationVersion);
      const contract = applications.of(effect.applicationVersion)?.contract;
      const record = contract && toRecord(contract, effect);
      if (contract && !record)
        answer(effect.test, { kind: "fail", check: "malformed", detail: "reply or state is not JSON" });
      else if (worker && record) worker.test(effect.test, record);
      else answer(effect.test, { kind: "unable", detail: "this version of the application is not here" });
      const leak = record && contract && watchReply(contract, replies, effect, record);
      if (leak) onPartedLeak(effect, leak);
    },
    stored: (record) => confidential.stored(record),
    decided: (decisions) => confidential.decided(decisions),
    confidential,
    versions: () => [...workers.keys()],
    close: async () => void (await Promise.all([...workers.values()].map((worker) => worker.close()))),
  };
}

/**
 * Confidential fields of every version that was here at the start. A field that only a later version names is known from the
 * next start on, for older texts; its own writes are judged by then too.
 */
function mergedContract(applications: readonly LoadedApplication[]): ContractJson {
  const [first] = applications;
  if (!first) throw new Error("a server has at least the version its cluster was made with");
  const objects: Record<string, ObjectContract> = {};
  for (const { contract } of applications)
    for (const [type, object] of Object.entries(contract.objects)) {
      const fields = new Map(
        [...(objects[type]?.confidential ?? []), ...object.confidential].map((each) => [each.field, each]),
      );
      objects[type] = { ...object, confidential: [...fields.values()] };
    }
  return { ...first.contract, objects };
}

/** Names what the index of confidential texts is made of: another one is made anew from the journal. */
export const confidentialDigest = (applications: ServedApplications): string =>
  sha256(
    JSON.stringify(
      Object.values(mergedContract(applications.all).objects).map(({ type, confidential }) => [
        type,
        confidential.map(({ field }) => field).sort(),
      ]),
    ),
  );

function watchReply(
  contract: ContractJson,
  replies: ReplyWatch,
  { executionServer: server }: AcceptanceTestEffect,
  { operation, input, reads, writes, reply }: AcceptanceRecord,
): PartedLeak | undefined {
  const named = (): string[] => {
    const access = evaluateAccess(contract, operation, input);
    return access.ok ? access.value.map(({ object }) => object) : [];
  };
  const known = [input, ...reads.map(({ value }) => value), ...writes.map(({ before }) => before)];
  return replies.seen({ server, operation, body: reply.body, named, known });
}

type Parsed = { readonly ok: true; readonly value: unknown; readonly schema?: number } | { readonly ok: false };

function parse(bytes: string | null): Parsed {
  if (bytes === null) return { ok: true, value: null };
  try {
    return { ok: true, value: JSON.parse(bytes) };
  } catch {
    return { ok: false };
  }
}

/** With the schema version it is stored in, where that is another than the contract's. */
function parseObject(contract: ContractJson, object: string, bytes: string | null): Parsed {
  if (bytes === null) return { ok: true, value: null };
  const { schemaVersion, text } = parseStored(bytes);
  const parsed = parse(text);
  const isCurrent = schemaVersion === (objectContractOf(contract, object)?.version ?? schemaVersion);
  return !parsed.ok || isCurrent ? parsed : { ...parsed, schema: schemaVersion };
}

function toRecord(contract: ContractJson, effect: AcceptanceTestEffect): AcceptanceRecord | undefined {
  const reply = parse(effect.reply);
  const input = parse(effect.input);
  if (!reply.ok || !input.ok || typeof reply.value !== "object" || reply.value === null) return undefined;
  const reads: RecordedRead[] = [];
  for (const { object, bytes } of effect.reads) {
    const value = parseObject(contract, object, bytes);
    if (!value.ok) return undefined;
    reads.push({ object, value: value.value, ...(value.schema === undefined ? {} : { schema: value.schema }) });
  }
  const writes: RecordedWrite[] = [];
  for (const { object, before, after } of effect.writes) {
    const [earlier, later] = [parseObject(contract, object, before), parseObject(contract, object, after)];
    if (!earlier.ok || !later.ok) return undefined;
    writes.push({
      object,
      before: earlier.value,
      after: later.value,
      ...(earlier.schema === undefined ? {} : { beforeSchema: earlier.schema }),
      ...(later.schema === undefined ? {} : { afterSchema: later.schema }),
    });
  }
  const { operation, applicationVersion, principal, now, accesses } = effect;
  const { status, body } = reply.value as { status?: unknown; body?: unknown };
  if (typeof status !== "number") return undefined;
  const named = { operation, applicationVersion, input: input.value, principal, now };
  return { ...named, reads, writes, accesses, reply: { status, body } };
}
