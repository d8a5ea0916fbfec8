/**
 * Acceptance tests beside a core: turns a core's `test` effect into a record for the acceptance worker, and its verdict
 * into the core's input. Keeps the index of confidential texts of everything *verified* that this server stores: what is
 * only pending may be an intruder's invention, and must not make honest replies look like leaks.
 */
import type { AcceptanceRecord } from "@redoubt/application";
import type { AcceptanceTestEffect, AcceptanceTestedInput } from "@redoubt/protocol";
import type { ChangeRecord, Decision } from "@redoubt/shared";
import type { LoadedApplication } from "../applications/load-application.ts";
import { createAcceptanceWorker } from "../workers/index.ts";
import { ConfidentialTexts } from "./confidential-texts.ts";

export interface AcceptanceTesting {
  readonly test: (effect: AcceptanceTestEffect) => void;
  /** To be told every change this server stores; it counts once it is verified. */
  readonly stored: (record: ChangeRecord) => void;
  /** To be told what the masters decided. */
  readonly decided: (decisions: readonly Decision[]) => void;
  readonly confidential: ConfidentialTexts;
  readonly close: () => Promise<void>;
}

export function createAcceptanceTesting(
  application: LoadedApplication,
  onTested: (input: AcceptanceTestedInput) => void,
): AcceptanceTesting {
  const confidential = new ConfidentialTexts(application.contract);
  const worker = createAcceptanceWorker({
    application,
    findConfidential: confidential.find,
    onVerdict: (test, verdict) => onTested({ kind: "tested", test, verdict }),
  });
  return {
    test(effect) {
      const record = toRecord(effect);
      if (record) worker.test(effect.test, record);
      else {
        const verdict = { kind: "fail", check: "malformed", detail: "reply or state is not JSON" } as const;
        setImmediate(() => onTested({ kind: "tested", test: effect.test, verdict }));
      }
    },
    stored: (record) => confidential.stored(record),
    decided: (decisions) => confidential.decided(decisions),
    confidential,
    close: () => worker.close(),
  };
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parse(bytes: string | null): Parsed {
  if (bytes === null) return { ok: true, value: null };
  try {
    return { ok: true, value: JSON.parse(bytes) };
  } catch {
    return { ok: false };
  }
}

function toRecord(effect: AcceptanceTestEffect): AcceptanceRecord | undefined {
  const reply = parse(effect.reply);
  const input = parse(effect.input);
  if (!reply.ok || !input.ok || typeof reply.value !== "object" || reply.value === null) return undefined;
  const reads: { object: string; value: unknown }[] = [];
  for (const { object, bytes } of effect.reads) {
    const value = parse(bytes);
    if (!value.ok) return undefined;
    reads.push({ object, value: value.value });
  }
  const writes: { object: string; before: unknown; after: unknown }[] = [];
  for (const { object, before, after } of effect.writes) {
    const [earlier, later] = [parse(before), parse(after)];
    if (!earlier.ok || !later.ok) return undefined;
    writes.push({ object, before: earlier.value, after: later.value });
  }
  const { operation, applicationVersion, principal, now, accesses } = effect;
  const { status, body } = reply.value as { status?: unknown; body?: unknown };
  if (typeof status !== "number") return undefined;
  const named = { operation, applicationVersion, input: input.value, principal, now };
  return { ...named, reads, writes, accesses, reply: { status, body } };
}
