/** The state replica's process: its core, its journal, its links, and (optimized profile) the acceptance test beside it. */
import { randomBytes } from "node:crypto";
import type { PartedLeak } from "@redoubt/application";
import {
  type AcceptanceTestEffect,
  createStateReplica,
  type SendEffect,
  type StateReplica,
  type StateReplicaDurable,
  type StateReplicaEffect,
  type StateReplicaInput,
} from "@redoubt/protocol";
import type { RefusalReportMessage, ToStateReplica } from "@redoubt/shared";
import { z } from "zod";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import type { ServerProcess } from "../runtime/server-process.ts";
import { type AcceptanceTesting, confidentialDigest, createAcceptanceTesting } from "./acceptance-testing.ts";
import { applicationPorts, createApplicationPort } from "./application-port.ts";
import {
  firstRegulator,
  type JournalRetention,
  journalCounters,
  openComponent,
  openServerJournal,
} from "./component.ts";

/** Names the state in a replica's checkpoints and the format of the core's part; another format needs another number. */
const CHECKPOINT_OWNER = "state-replica 3";
const WATCH_MS = 1_000;
const STABLE_TIMES = 5;

const retentionSettings = z.object({
  /** Closed segments of 8 MiB that stay uncompressed. */
  keepSegments: z.coerce.number().int().min(0).default(64),
  /** How long a closed segment stays uncompressed, milliseconds; by default only their number counts. */
  retentionMs: z.coerce.number().min(0).optional(),
});

const scrubSettings = z.object({
  /** How often the whole journal is read from the disk and compared. */
  scrubPeriodMs: z.coerce.number().int().min(100).default(30_000),
  scrubBytesPerSecond: z.coerce.number().int().min(1_000).optional(),
  /** Rate at which a replica that lost its disk fetches from the others. */
  transferBytesPerSecond: z.coerce.number().int().min(1_000).optional(),
});

/** Throws an error that names the setting. */
function readScrubSettings(settings: Readonly<Record<string, string>>) {
  const parsed = scrubSettings.safeParse(settings);
  if (!parsed.success) throw new Error(`settings: ${z.prettifyError(parsed.error)}`);
  const { scrubPeriodMs, scrubBytesPerSecond, transferBytesPerSecond } = parsed.data;
  return {
    scrubPeriodMs,
    ...(scrubBytesPerSecond === undefined ? {} : { scrubBytesPerSecond }),
    ...(transferBytesPerSecond === undefined ? {} : { transferBytesPerSecond }),
  };
}

/** What health reports say of scrub and state transfer. */
function scrubCounters({ scrub, transfer }: StateReplica): Record<string, number> {
  return {
    scrubPasses: scrub.passes,
    scrubLastPassMs: Math.round(scrub.lastPassMs),
    scrubLastPassBytes: scrub.lastPassBytes,
    scrubFound: scrub.found,
    scrubRepaired: scrub.repaired,
    transferChanges: transfer.changes,
    transferBytes: transfer.bytes,
    ...(transfer.gatheredInMs === undefined ? {} : { transferMs: Math.round(transfer.gatheredInMs) }),
  };
}

/** Says in the log when a replica that started without a journal is a member and stays one. */
function watchTransfer(core: StateReplica, log: ServerProcess["log"]): () => void {
  let told: number | undefined;
  let seen: number | undefined;
  let seenTimes = 0;
  const timer = setInterval(() => {
    const { state, changes, bytes, gatheredInMs } = core.transfer;
    seenTimes = gatheredInMs === seen ? seenTimes + 1 : 0;
    seen = gatheredInMs;
    // While old decisions are taken in, the replica is once more whatever it was then.
    if (state !== "member" || gatheredInMs === undefined || gatheredInMs === told || seenTimes < STABLE_TIMES) return;
    told = gatheredInMs;
    log.info({ changes, bytes, ms: Math.round(gatheredInMs) }, "everything gathered: a member again");
  }, WATCH_MS);
  return () => clearInterval(timer);
}

/** A replica never loses a record (I1): old segments are compressed. Throws an error that names the setting. */
function readRetention(settings: Readonly<Record<string, string>>): JournalRetention {
  const parsed = retentionSettings.safeParse(settings);
  if (!parsed.success) throw new Error(`settings: ${z.prettifyError(parsed.error)}`);
  const { keepSegments, retentionMs } = parsed.data;
  return retentionMs === undefined ? { keepSegments } : { keepSegments, retentionMs };
}

/** The confidentiality index learns from the journal alone, at start and as it grows. */
function noteStored(testing: AcceptanceTesting, record: StateReplicaDurable): void {
  if (record.kind === "accepted" || record.kind === "fetched") testing.stored(record.record);
  else if (record.kind === "applied") testing.decided(record.slot.decisions);
}

/** Object and field, never the text. */
const leakReport = (
  { executionServer, requestId, attempt }: AcceptanceTestEffect,
  { object, field, replies }: PartedLeak,
): RefusalReportMessage => ({
  kind: "refusalReport",
  executionServer,
  requestId,
  attempt,
  reason: "leak-in-parts",
  detail: `field ${field} of ${object}, with the last of up to ${replies} replies`,
  act: "leak-in-parts",
});

/** Seams between core and links; the honest replica passes everything through unchanged. */
export interface StateReplicaSeams {
  readonly sent: (effect: SendEffect) => readonly SendEffect["message"][];
}

const honest: StateReplicaSeams = { sent: ({ message }) => [message] };

export async function runStateReplica(
  environment: ServerEnvironment,
  seams: StateReplicaSeams = honest,
): Promise<void> {
  const { server, settings, applications, hasher } = openComponent(environment);
  const journal = await openServerJournal(server, readRetention(server.environment.settings));
  const core = createStateReplica(
    { hasher, ...applicationPorts(applications, hasher) },
    {
      self: environment.server,
      masters: settings.masters,
      trafficRegulator: firstRegulator(settings),
      hostsAcceptanceTests: settings.profile === "optimized",
      journalIdentity: randomBytes(16).toString("hex"),
      keepsEverything: true,
      ...readScrubSettings(server.environment.settings),
    },
  );
  const testing = createAcceptanceTesting(
    applications,
    (input) => driver.input(input),
    (tested, leak) => server.send(firstRegulator(settings), leakReport(tested, leak)),
  );
  const driver = new Driver<StateReplicaInput, StateReplicaEffect>({
    core,
    journal,
    codec: recordCodec,
    send: (effect) => {
      for (const message of seams.sent(effect)) server.send(effect.to, message);
    },
    onPressure: (isHigh) => server.holdBack(isHigh),
    perform: (effect) => testing.test(effect),
    checkpoints: {
      owner: `${CHECKPOINT_OWNER} ${confidentialDigest(applications)}`,
      companion: {
        recorded: (record) => noteStored(testing, record as StateReplicaDurable),
        save: () => testing.confidential.save(),
        restore: (parts) => testing.confidential.restore(parts),
        started: () => testing.confidential.started(),
      },
      onSaved: (saved) => server.log.info(saved, "checkpoint"),
      onFailure: (error) => server.log.warn({ error: error.message }, "no checkpoint was made"),
    },
  });
  applications.onLoaded((loaded) =>
    driver.input({ kind: "loaded", application: createApplicationPort(loaded, hasher) }),
  );
  const unwatch = watchTransfer(core, server.log);
  server.onStop(async () => unwatch());
  server.onStop(() => testing.close());
  server.onStop(async () => driver.stop());
  server.log.info(await driver.start(), "journal replayed");
  await server.open({
    onMessage: (from, message) => driver.input({ kind: "message", from, message: message as ToStateReplica }),
  });
  server.reportHealth(() => ({
    ready: true,
    role: core.transfer.state === "member" ? "member" : "learner",
    applications: testing.versions(),
    counters: { steps: driver.steps, ...journalCounters(journal), ...scrubCounters(core) },
    processes: [],
  }));
}
