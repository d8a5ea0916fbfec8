/**
 * The state master's process: consensus and metadata in its core and journal, the metadata's tables in a Postgres of its
 * own. The core never waits for Postgres. The journal is cut behind checkpoints; a master whose journal is damaged or
 * gone begins a new one and comes back as a new member, whose state and rows come from the others (PROTOCOL §11).
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import type { MasterStore } from "@redoubt/database";
import {
  Applications,
  createStateMaster,
  DamagedVotesError,
  type StateMaster,
  type StateMasterEffect,
  type StateMasterInput,
} from "@redoubt/protocol";
import { FIRST_IDENTITY, type ToStateMaster } from "@redoubt/shared";
import { type Journal, JournalDamagedError } from "../adapters/journal/index.ts";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { applicationPorts, createApplicationPort } from "./application-port.ts";
import { type ComponentBasis, journalCounters, openComponent, openServerJournal, secureRandom } from "./component.ts";
import { JournalCutter } from "./journal-cutter.ts";
import { keepMasterDatabase } from "./master-database.ts";
import { MasterMetadata } from "./master-metadata.ts";
import { answerMasterQuery } from "./master-queries.ts";
import { OpeningTimes } from "./metadata-explorer.ts";
import { MetadataRetention, RETENTION_DEFAULT_MS } from "./metadata-retention.ts";
import { Rebuild } from "./rebuild.ts";
import { decisionsAfter, rowsAfter } from "./row-fetcher.ts";

/** Names the state in a master's checkpoints and the format of the core's part; another format needs another number. */
const CHECKPOINT_OWNER = "state-master 1";
/** Records between checkpoints: few enough that a restart replays them within a second. */
const CHECKPOINT_RECORDS = 50_000;
const HAND_OVER_MS = 300;

type MasterDriver = Driver<StateMasterInput, StateMasterEffect>;

export async function runStateMaster(environment: ServerEnvironment): Promise<void> {
  const basis = openComponent(environment);
  try {
    await run(basis);
  } catch (error) {
    if (!(error instanceof DamagedVotesError || error instanceof JournalDamagedError)) throw error;
    setAside(basis, error);
  }
}

/** An acceptor with a hole in its memory must not vote: the server starts again with an empty journal, as a learner. */
function setAside({ server }: ComponentBasis, error: Error): void {
  const { node, server: name } = server.environment;
  const journal = server.layout.journal(node, name);
  const kept = `${journal}.damaged-${Date.now()}`;
  server.log.fatal({ error: error.message, kept }, "the journal is set aside; this master comes back as a new member");
  renameSync(journal, kept);
  process.exit(75);
}

/** The journal's own name, but that of the first start where this is it. */
function identityOf({ server }: ComponentBasis, journal: Journal): string {
  const isFirst = existsSync(server.layout.firstStart(server.environment.server));
  return isFirst && journal.records === 0 ? FIRST_IDENTITY : journal.identity;
}

async function run(basis: ComponentBasis): Promise<void> {
  const { server, settings, applications, hasher } = basis;
  const self = server.environment.server;
  const { application, otherVersions } = applicationPorts(applications, hasher);
  const versions = new Applications(application, otherVersions);
  applications.onLoaded((loaded) => void versions.add(createApplicationPort(loaded, hasher)));
  const journal = await openServerJournal(server, { mayBeCut: true });
  const core = createStateMaster(
    { hasher, random: secureRandom },
    {
      ...{ self, masters: settings.masters, managers: settings.managers },
      ...{ journalIdentity: identityOf(basis, journal), hasDatabase: true },
    },
  );
  const database = keepMasterDatabase(basis, () => metadata.databaseChanged());
  const metadata = new MasterMetadata({
    store: database.store,
    clusterOf: (object) => versions.clusterOf(object) ?? 0,
    log: server.log,
    onFailure: () => database.keeper.reportFailure(),
    onApplied: (appliedThrough) => driver.input({ kind: "database", appliedThrough }),
    rowsAfter: () => core.status().rowsAfter,
    peers: settings.masters.filter((name) => name !== self),
    askForRows: (peer, after) => server.send(peer, { kind: "fetchRows", after }),
  });
  const retention = keepRetention(basis, database.store, metadata);
  const cutter = new JournalCutter(journal, server.log);
  const driver: MasterDriver = new Driver<StateMasterInput, StateMasterEffect>({
    core,
    journal,
    codec: recordCodec,
    send: ({ to, message }) => server.send(to, message),
    onPressure: (isHigh) => server.holdBack(isHigh),
    perform: (effect) => {
      if (effect.kind === "apply") metadata.apply(effect);
      else if (effect.kind === "cutJournal") cutter.allow(effect.before);
      else if (effect.kind === "identified") rmSync(server.layout.firstStart(self), { force: true });
      else if (effect.kind === "lookupSlots") void lookUp(effect);
    },
    checkpoints: {
      owner: CHECKPOINT_OWNER,
      everyRecords: CHECKPOINT_RECORDS,
      onSaved: (saved) => {
        server.log.info(saved, "checkpoint");
        cutter.saved(saved.through);
      },
      onFailure: (error) => server.log.warn({ error: error.message }, "no checkpoint was made"),
    },
  });
  const lookUp = async ({ to, after }: Extract<StateMasterEffect, { kind: "lookupSlots" }>): Promise<void> => {
    driver.input({ kind: "slotsFound", to, after, found: await decisionsAfter(database.store(), after) });
  };
  server.onStop(async () => metadata.close());
  server.onStop(() => database.stop());
  server.onStop(() => driver.stop());
  server.log.info({ ...(await driver.start()), ...core.status() }, "journal replayed");
  const queries = { core, metadata, store: database.store, openingTimes: new OpeningTimes() };
  const rebuild = new Rebuild(core, metadata, server.log);
  await server.open({
    onMessage: (from, message) => {
      if (message.kind === "rows") metadata.rows(from.server, message);
      else if (message.kind === "fetchRows") {
        void rowsAfter(database.store(), message.after).then((rows) => rows && server.send(from.server, rows));
      } else if (message.kind === "metadataQuery") {
        const { query } = message;
        void answerMasterQuery(queries, message).then((answer) =>
          server.send(from.server, { kind: "metadata", query, answer }),
        );
      } else driver.input({ kind: "message", from, message: message as ToStateMaster });
    },
  });
  server.onStop(() => handOver(core, driver));
  database.start();
  server.reportHealth(() => ({
    ready: true,
    role: roleOf(core),
    counters: {
      ...{ steps: driver.steps, decidedThrough: core.decidedThrough, appliedSlot: metadata.appliedSlot },
      ...{ backlog: metadata.backlog, databaseUp: database.store() ? 1 : 0, ...coreCounters(core) },
      ...{ ...rebuild.counters(), ...retention.counters(), ...journalCounters(journal) },
      firstRecord: journal.statistics.firstRecord,
    },
    processes: database.processes(),
  }));
}

/** Old rows get smaller in the background. */
function keepRetention({ server }: ComponentBasis, store: () => MasterStore | undefined, metadata: MasterMetadata) {
  const isBusy = () => metadata.isBehind;
  const windowMs = Number(server.environment.settings.metadataRetentionMs ?? RETENTION_DEFAULT_MS);
  const retention = new MetadataRetention({ store, windowMs, isBusy, log: server.log });
  server.onStop(async () => retention.close());
  retention.start();
  return retention;
}

/** A learner does not count: its journal is new, or its database lacks what only the others have. */
function roleOf(core: StateMaster): string {
  if (core.isPrimary) return "primary";
  return core.status().isVoter ? "backup" : "learner";
}

function coreCounters(core: StateMaster): Record<string, number> {
  const { truncatedThrough, outcomes, objects, isVoter, seats, snapshotProgress } = core.status();
  return {
    ...{ truncatedThrough, outcomes, objects, votes: isVoter ? 1 : 0, seats: seats.length },
    snapshotDoneBytes: snapshotProgress?.doneBytes ?? 0,
    snapshotTotalBytes: snapshotProgress?.totalBytes ?? 0,
  };
}

/** A primary that ends in order lets another one lead at once, rather than after a silence. */
async function handOver(core: StateMaster, driver: MasterDriver): Promise<void> {
  const until = performance.now() + HAND_OVER_MS;
  while (core.isPrimary && core.status().seats.length > 1 && performance.now() < until) {
    driver.input({ kind: "handOver" });
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
