import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "../testing/test-postgres.ts";
import { auditHash } from "./audit-chain.ts";
import { type ManagerStore, openManagerStore } from "./store.ts";

let postgres: TestPostgres;
let store: ManagerStore;
let intruder: pg.Client;

beforeAll(async () => {
  postgres = await startTestPostgres();
}, startTimeoutMs);

afterAll(() => postgres.stop(), startTimeoutMs);

beforeEach(async () => {
  const url = await postgres.database("manager");
  store = openManagerStore(url);
  intruder = new pg.Client({ connectionString: url });
  await intruder.connect();
});

afterEach(async () => {
  await intruder.end();
  await store.close();
});

const entry = (number: number) => ({
  at: new Date(1_700_000_000_000 + number),
  actor: "ada@example.org",
  role: "admin",
  via: "console",
  action: "quarantine.release",
  subject: `request ${number}`,
  reason: number % 2 === 0 ? null : "false positive",
  detail: `{"number":${number}}`,
});

async function appendEntries(count: number): Promise<void> {
  for (let number = 1; number <= count; number++) await store.audit.append(entry(number));
}

test("entries appended at the same time form one chain without gaps", async () => {
  await Promise.all(Array.from({ length: 25 }, (_, index) => store.audit.append(entry(index))));
  expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 25, firstBad: null });
  const rows = await store.audit.list({ limit: 100 });
  expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 25 }, (_, index) => 25n - BigInt(index)));
  expect((await store.audit.list({ limit: 2, before: 3n })).map(({ sequence }) => sequence)).toEqual([2n, 1n]);
});

test("an empty log is intact", async () => {
  expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 0, head: { sequence: 0n } });
});

const tamperings: [name: string, sql: string, firstBad: bigint, sentence: RegExp][] = [
  ["a changed detail", `UPDATE "AuditEntry" SET "detail" = '{}' WHERE "sequence" = 4`, 4n, /entry 4 was changed/],
  [
    "a changed time",
    `UPDATE "AuditEntry" SET "at" = "at" + interval '1 ms' WHERE "sequence" = 2`,
    2n,
    /entry 2 was changed/,
  ],
  ["a removed reason", `UPDATE "AuditEntry" SET "reason" = NULL WHERE "sequence" = 3`, 3n, /entry 3 was changed/],
  [
    "text moved to the next field",
    `UPDATE "AuditEntry" SET "actor" = 'ada@example.or', "role" = 'gadmin' WHERE "sequence" = 5`,
    5n,
    /entry 5 was changed/,
  ],
  ["a deleted entry", `DELETE FROM "AuditEntry" WHERE "sequence" = 6`, 6n, /entry 6 is missing/],
  ["a deleted beginning", `DELETE FROM "AuditEntry" WHERE "sequence" <= 2`, 1n, /entry 1 is missing/],
];

for (const [name, sql, firstBad, sentence] of tamperings) {
  test(`${name} is found and the first bad entry named`, async () => {
    await appendEntries(8);
    await intruder.query(sql);
    const verification = await store.audit.verify();
    expect(verification).toMatchObject({ intact: false, firstBad });
    expect(verification.sentence).toMatch(sentence);
  });
}

test("an entry rewritten with a right hash of its own breaks the next one", async () => {
  await appendEntries(5);
  const row = (await store.audit.list({ limit: 1, before: 4n }))[0];
  if (row === undefined) throw new Error("entry 3 is missing");
  const forged = { ...row, actor: "somebody else" };
  await intruder.query(`UPDATE "AuditEntry" SET "actor" = $1, "hash" = $2 WHERE "sequence" = 3`, [
    forged.actor,
    auditHash(forged),
  ]);
  expect(await store.audit.verify()).toMatchObject({ intact: false, firstBad: 4n });
});

test("a cut tail is found against a head seen before", async () => {
  await appendEntries(6);
  const head = await store.audit.head();
  await intruder.query(`DELETE FROM "AuditEntry" WHERE "sequence" > 4`);
  expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 4 });
  expect(await store.audit.verify(head)).toMatchObject({ intact: false, firstBad: 5n });

  await appendEntries(3);
  expect(await store.audit.verify(head)).toMatchObject({ intact: false, firstBad: 6n });
});

test("text that Postgres refuses is recorded all the same", async () => {
  await store.audit.append({ ...entry(1), subject: "nul \0 and half \uD800", reason: "x".repeat(100_000) });
  expect(await store.audit.verify()).toMatchObject({ intact: true, entries: 1 });
  expect((await store.audit.list({ limit: 1 }))[0]?.subject).toBe("nul \uFFFD and half \uFFFD");
});
