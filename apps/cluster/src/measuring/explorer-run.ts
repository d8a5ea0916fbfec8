/**
 * What `npm run bench:explorer` runs: fills a state master's database as a master does, batch by batch, with invented but
 * complete versions, and measures the state explorer's searches in it. The database is an embedded Postgres in a folder
 * of its own with production's settings. Arguments: folder, versions, versions per slot, objects. Progress goes to
 * standard error, one line of JSON to standard output. Then half of it is reduced as beyond the retention window.
 *
 * It measures a master's part: what the manager and its links add is not in it, and nothing else runs on the database.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  type AppliedBatch,
  type MasterStore,
  migrateDeploy,
  migrationsDirectory,
  openMasterStore,
  requestPrefix,
} from "@redoubt/database";
import type { VersionRow } from "@redoubt/protocol";
import type { Decision, Digest, RequestId } from "@redoubt/shared";
import pg from "pg";
import pino from "pino";
import { startPostgres } from "../adapters/postgres/index.ts";
import { findVersions, objectHeads, objectHistory, requestHistory } from "../components/metadata-explorer.ts";
import { MetadataRetention } from "../components/metadata-retention.ts";
import { packGeneral } from "../runtime/record-codec.ts";

const SLOTS_PER_BATCH = 256;
const PROGRESS_MS = 5_000;
/** Each search is made so often, elsewhere each time; the slowest counts. */
const ROUNDS = 25;
const FIRST_AT = Date.UTC(2026, 0, 1);
const MS_PER_SLOT = 50;
/** Slots one execution server works before another takes its place. */
const TURN_SLOTS = 20_000;
const SERVERS = 3;
/** One that made a version in every so many slots, and only in the first half: the worst case of a search by server. */
const RARE = "execution-server-9";
const RARE_EVERY = 1_000;
/** In one slot of so many: the object with the longest history. */
const HOT = "account/hot";
const HOT_EVERY = 10;

interface Scale {
  readonly slots: number;
  readonly perSlot: number;
  readonly objects: number;
}

const bytes = (text: string): Buffer => createHash("sha256").update(text).digest();
const hex = (text: string): Digest => bytes(text).toString("hex") as Digest;
const requestOf = (slot: number, index: number): string => `request ${slot} ${index}`;
const timeOf = (slot: number): number => FIRST_AT + slot * MS_PER_SLOT;

function serverOf(slot: number, { slots }: Scale): string {
  if (slot % RARE_EVERY === 0 && slot < slots / 2) return RARE;
  return `execution-server-${1 + (Math.floor(slot / TURN_SLOTS) % SERVERS)}`;
}

/** Different objects of one slot. */
function objectOf(slot: number, index: number, { perSlot, objects }: Scale): string {
  if (index === 0 && slot % HOT_EVERY === 0) return HOT;
  return `account/${(slot * perSlot + index) % objects}`;
}

const constant = hex("constant");
const numbers = new Map<string, number>();

function versionsOf(slot: number, scale: Scale): VersionRow[] {
  return Array.from({ length: scale.perSlot }, (_, index) => {
    const object = objectOf(slot, index, scale);
    const number = (numbers.get(object) ?? 0) + 1;
    numbers.set(object, number);
    return {
      ...{
        object,
        number,
        epoch: 1,
        parent: { number: number - 1, epoch: 1, c1: constant },
        c1: constant,
        c2: constant,
      },
      ...{ requestId: hex(requestOf(slot, index)) as string as RequestId, attempt: 1, changeDigest: constant },
      ...{ executionServer: serverOf(slot, scale), testers: ["state-replica-1", "state-replica-2"], previousSlot: 0 },
    };
  });
}

function batchOf(from: number, to: number, scale: Scale): AppliedBatch {
  const heads = new Map<string, AppliedBatch["heads"][number]>();
  const slots = Array.from({ length: to - from + 1 }, (_, offset) => {
    const slot = from + offset;
    const versions = versionsOf(slot, scale);
    const decisions = versions.map(
      ({ requestId, testers }): Decision => ({
        ...{ kind: "verified", change: { digest: hex(`change ${requestId}`), requestId, attempt: 1 } },
        replyDigest: hex(`reply ${requestId}`),
        ...{ readOnly: false, clusters: [1], testers },
      }),
    );
    const digest = Buffer.from(constant, "hex");
    for (const { object, number, requestId } of versions)
      heads.set(object, {
        ...{ object, cluster: 1, number: BigInt(number), epoch: 1n, c1: digest, c2: digest, status: "verified" },
        ...{ changeDigest: digest, requestId: Buffer.from(requestId, "hex"), slot: BigInt(slot) },
      });
    return {
      ...{ slot: BigInt(slot), at: new Date(timeOf(slot)), kinds: ["verified"] },
      payload: packGeneral({ decisions, rows: { versions, dead: [] } }),
      requestPrefixes: versions.map(({ requestId }) => requestPrefix(Buffer.from(requestId, "hex"))),
      ...{ executionServers: [serverOf(slot, scale)], objects: versions.map(({ object }) => object) },
    };
  });
  return { throughSlot: BigInt(to), slots, heads: [...heads.values()], clusters: [], leases: [] };
}

async function fill(store: MasterStore, scale: Scale): Promise<number> {
  const startedAt = performance.now();
  let toldAt = startedAt;
  for (let from = 1; from <= scale.slots; from += SLOTS_PER_BATCH) {
    const to = Math.min(scale.slots, from + SLOTS_PER_BATCH - 1);
    await store.applySlots(batchOf(from, to, scale));
    if (performance.now() - toldAt < PROGRESS_MS) continue;
    toldAt = performance.now();
    process.stderr.write(`  ${to * scale.perSlot} of ${scale.slots * scale.perSlot} versions\n`);
  }
  return (performance.now() - startedAt) / 1_000;
}

interface Search {
  readonly name: string;
  /** Rows found. */
  readonly run: (round: number) => Promise<number>;
}

function searches(store: MasterStore, scale: Scale): Search[] {
  const slotAt = (round: number): number => 1 + Math.floor((((round * 7 + 3) % ROUNDS) / ROUNDS) * (scale.slots - 1));
  const versions = (search: Parameters<typeof findVersions>[1]) =>
    findVersions(store, search).then((found) => found.versions.length);
  const limit = 100;
  return [
    {
      name: "objects by the beginning of their names",
      run: async (round) => (await objectHeads(store, { prefix: `account/${1 + (round % 9)}`, limit })).length,
    },
    {
      name: "history of an object, 50 versions",
      run: async (round) =>
        (await objectHistory(store, { kind: "object", object: objectOf(slotAt(round), 1, scale), limit: 50 })).versions
          .length,
    },
    {
      name: "history of the hottest object, 200 versions",
      run: async () => (await objectHistory(store, { kind: "object", object: HOT, limit: 200 })).versions.length,
    },
    {
      name: "request id",
      run: async (round) =>
        (await requestHistory(store, hex(requestOf(slotAt(round), 0)) as string as RequestId)).length,
    },
    { name: "newest versions", run: () => versions({ limit }) },
    {
      name: "time",
      run: (round) => versions({ from: timeOf(slotAt(round)), to: timeOf(slotAt(round) + 5_000), limit }),
    },
    {
      name: "execution server",
      run: (round) => versions({ server: `execution-server-${1 + (round % SERVERS)}`, limit }),
    },
    {
      name: "execution server and time",
      run: (round) =>
        versions({ server: `execution-server-${1 + (round % SERVERS)}`, to: timeOf(slotAt(round)), limit }),
    },
    { name: "execution server that made few", run: () => versions({ server: RARE, limit }) },
    { name: "execution server that made none", run: () => versions({ server: "execution-server-99", limit }) },
  ];
}

async function measure({
  name,
  run,
}: Search): Promise<{ search: string; rows: number; medianMs: number; worstMs: number }> {
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    rows = await run(round);
    times.push(performance.now() - startedAt);
  }
  times.sort((left, right) => left - right);
  const rounded = (index: number): number => Number((times.at(index) ?? 0).toFixed(1));
  return { search: name, rows, medianMs: rounded(ROUNDS >> 1), worstMs: rounded(-1) };
}

/** Reduces the older half as a master does, but without its pauses; also how long each block took, which is what others wait for. */
async function reduceHalf(store: MasterStore, { slots }: Scale) {
  const before = await tableBytes();
  const retention = new MetadataRetention({
    store: () => store,
    windowMs: (slots / 2) * MS_PER_SLOT,
    isBusy: () => false,
    log: pino({ level: "silent" }),
    now: () => timeOf(slots),
  });
  const times: number[] = [];
  const startedAt = performance.now();
  for (;;) {
    const { reducedThrough } = retention.counters();
    const stepAt = performance.now();
    await retention.step();
    if (reducedThrough === retention.counters().reducedThrough && times.length > 0) break;
    times.push(performance.now() - stepAt);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  times.sort((left, right) => left - right);
  const { reducedRows = 0, removedRows = 0 } = retention.counters();
  return {
    rows: reducedRows + removedRows,
    rowsPerSecond: Math.round((reducedRows + removedRows) / seconds),
    medianMs: Number((times[times.length >> 1] ?? 0).toFixed(1)),
    worstMs: Number((times.at(-1) ?? 0).toFixed(1)),
    ...{ tableMBytesBefore: before, tableMBytesAfter: await tableBytes() },
  };
}

/** What live rows of DecidedSlot take with their indexes, in MB, after the space of dead ones was taken out. */
async function tableBytes(): Promise<number> {
  const client = new pg.Client({ connectionString: postgres.url("redoubt") });
  await client.connect();
  await client.query(`VACUUM FULL "DecidedSlot"`);
  const { rows } = await client.query<{ bytes: string }>(`SELECT pg_total_relation_size('"DecidedSlot"') AS bytes`);
  await client.end();
  return Math.round(Number(rows[0]?.bytes ?? 0) / 100_000) / 10;
}

const [folder = "", versions = "0", perSlot = "1", objects = "1"] = process.argv.slice(2);
const scale: Scale = {
  slots: Math.ceil(Number(versions) / Number(perSlot)),
  perSlot: Number(perSlot),
  objects: Number(objects),
};
const postgres = await startPostgres({
  dataDirectory: join(folder, "postgres"),
  port: 0,
  databases: ["redoubt"],
  dieWithParent: true,
});
await migrateDeploy(postgres.url("redoubt"), migrationsDirectory("master"));
const { store, close } = openMasterStore(postgres.url("redoubt"));
try {
  const filledInSeconds = Math.round(await fill(store, scale));
  await objectHeads(store, { prefix: "", limit: 1 });
  const found = [];
  for (const search of searches(store, scale)) {
    const measured = await measure(search);
    found.push(measured);
    process.stderr.write(`${JSON.stringify(measured)}\n`);
  }
  const worstMs = Math.max(...found.map((each) => each.worstMs));
  const report = {
    versions: scale.slots * scale.perSlot,
    slots: scale.slots,
    filledInSeconds,
    worstMs,
    searches: found,
    retention: await reduceHalf(store, scale),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  await close();
  await postgres.stop();
}
