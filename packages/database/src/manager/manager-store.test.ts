import { describe, expect, test } from "vitest";
import { at, later, useTwoManagers } from "../testing/two-managers.test-support.ts";
import type { NewQuarantinedRequest } from "./quarantine.ts";
import type { ManagerStore } from "./store.ts";

const managers = useTwoManagers();

describe("quarantine", () => {
  const request = (requestId: string, fields: Partial<NewQuarantinedRequest> = {}): NewQuarantinedRequest => ({
    requestId,
    attempt: 1,
    operation: "import-statement",
    title: "Import a statement for customer 7",
    client: "client-2",
    host: "127.9.0.7",
    reason: "acceptance-test",
    check: "onlyChanges",
    class: "malformed",
    severity: "low",
    detail: { changed: ["account/1"] },
    payload: new TextEncoder().encode('{"customer":7}'),
    at,
    held: false,
    expiresAt: null,
    signatureId: null,
    ...fields,
  });

  test("of two persons who decide the same request, one does and the other learns who", async () => {
    const requestId = "a1".repeat(32);
    await managers.store.quarantine.add(request(requestId));
    const decide = (each: ManagerStore, decidedBy: string) =>
      each.quarantine.transition(requestId, ["new", "claimed"], { to: "released", decidedBy, decidedAt: later(5) });
    const outcomes = await Promise.all([decide(managers.store, "ada"), decide(managers.other, "ben")]);
    const [winner, loser] = outcomes[0]?.ok ? outcomes : [...outcomes].reverse();
    expect(winner).toMatchObject({ ok: true, value: { state: "released", decidedAt: later(5) } });
    expect(loser).toMatchObject({ ok: false, error: { code: "conflict", current: { state: "released" } } });
    expect(await managers.store.quarantine.transition("b2".repeat(32), ["new"], { to: "claimed" })).toEqual({
      ok: false,
      error: { code: "not-found" },
    });
  });

  test("a request is added once, and what it sent cannot keep it out", async () => {
    const requestId = "c3".repeat(32);
    const hostile = {
      operation: "nul\0",
      title: "\uD800 half",
      detail: { "k\0": ["\0", { deep: "\uDC00" }], __proto__: 1 },
    };
    expect(await managers.store.quarantine.add(request(requestId, hostile))).toBe(true);
    expect(await managers.store.quarantine.add(request(requestId, { operation: "other" }))).toBe(false);
    const row = await managers.store.quarantine.get(requestId);
    expect(row).toMatchObject({
      operation: "nul\uFFFD",
      title: "\uFFFD half",
      detail: { "k\uFFFD": ["\uFFFD", { deep: "\uFFFD" }] },
    });
    expect(row).not.toHaveProperty("payload");
    expect(new TextDecoder().decode((await managers.store.quarantine.payload(requestId)) ?? undefined)).toBe(
      '{"customer":7}',
    );
  });

  test("filters, totals and counts agree; unqualified requests are kept apart and pruned", async () => {
    await managers.store.quarantine.add(request("d4".repeat(32), { host: "127.9.0.8", at: later(10) }));
    await managers.store.quarantine.add(request("d5".repeat(32), { host: "127.9.0.8", at: later(20), reason: "leak" }));
    for (const [index, digit] of ["e", "f"].entries()) {
      await managers.store.quarantine.add(request(digit.repeat(64), { class: "unqualified", at: later(index) }));
    }
    const found = await managers.store.quarantine.list({ host: "127.9.0.8", limit: 1 });
    expect(found.items.map(({ requestId }) => requestId)).toEqual(["d5".repeat(32)]);
    expect(found.total).toBe(2);
    const next = await managers.store.quarantine.list({ host: "127.9.0.8", limit: 1, before: later(20) });
    expect(next.items.map(({ requestId }) => requestId)).toEqual(["d4".repeat(32)]);
    const leaks = await managers.store.quarantine.list({
      host: "127.9.0.8",
      reasons: ["leak"],
      states: ["new"],
      limit: 9,
    });
    expect(leaks.total).toBe(1);
    expect(await managers.store.quarantine.counts("unqualified")).toEqual({ new: 2 });
    expect(await managers.store.quarantine.pruneUnqualified(1)).toBe(1);
    expect(
      (await managers.store.quarantine.list({ class: "unqualified", limit: 9 })).items.map(
        ({ requestId }) => requestId,
      ),
    ).toEqual(["f".repeat(64)]);
  });

  test("a held request nobody decided is overdue at its time, a decided one is not", async () => {
    await managers.store.quarantine.add(request("a6".repeat(32), { held: true, expiresAt: later(60) }));
    await managers.store.quarantine.add(request("a7".repeat(32), { held: true, expiresAt: later(60) }));
    await managers.store.quarantine.transition("a7".repeat(32), ["new"], {
      to: "confirmed",
      decisionNote: "an attack",
    });
    expect(await managers.store.quarantine.overdue(later(59), 9)).toEqual([]);
    const overdue = await managers.store.quarantine.overdue(later(60), 9);
    expect(overdue.map(({ requestId }) => requestId)).toEqual(["a6".repeat(32)]);
    expect(await managers.store.quarantine.addNote("a6".repeat(32), { at, by: "ada", text: "looks odd" })).toBe(true);
    expect((await managers.store.quarantine.get("a6".repeat(32)))?.notes).toEqual([
      { at: at.toISOString(), by: "ada", text: "looks odd" },
    ]);
  });
});

describe("degrees", () => {
  const decision = (wanted: number, decidedBy: string) =>
    ({ wanted, faults: null, deciderKind: "person", decidedBy, at }) as const;

  test("of two changes made from the same version, the second is told what the first decided", async () => {
    const first = await managers.store.degrees.ensure("execution-server", {
      ...decision(3, "default"),
      deciderKind: "policy",
    });
    expect(first).toMatchObject({ wanted: 3, version: 1 });
    expect(await managers.other.degrees.ensure("execution-server", decision(9, "late"))).toEqual(first);
    expect(await managers.store.degrees.change("execution-server", 1, decision(5, "ada"))).toMatchObject({
      ok: true,
      value: { wanted: 5, version: 2 },
    });
    expect(await managers.other.degrees.change("execution-server", 1, decision(4, "ben"))).toMatchObject({
      ok: false,
      error: { code: "conflict", current: { wanted: 5, decidedBy: "ada", version: 2 } },
    });
    expect(await managers.store.degrees.change("no-such", 1, decision(1, "ada"))).toEqual({
      ok: false,
      error: { code: "not-found" },
    });
  });

  test("a plan is started by one of two who apply it", async () => {
    const plan = {
      id: "plan-1",
      component: "execution-server",
      fromCount: 3,
      toCount: 5,
      faults: null,
      degreeVersion: 2,
    };
    const made = {
      steps: [{ action: "start" }],
      verdicts: {},
      requestedBy: "ada",
      createdAt: at,
      expiresAt: later(600),
    };
    await managers.store.degrees.addPlan({ ...plan, ...made });
    const apply = (each: ManagerStore) =>
      each.degrees.changePlan("plan-1", ["planned"], { state: "running", startedAt: at });
    const outcomes = await Promise.all([apply(managers.store), apply(managers.other)]);
    expect(outcomes.filter((outcome) => outcome !== null)).toHaveLength(1);
    expect((await managers.store.degrees.runningPlans()).map(({ id }) => id)).toEqual(["plan-1"]);
    await managers.store.degrees.changePlan("plan-1", ["running"], {
      state: "done",
      progress: { live: 5 },
      finishedAt: later(9),
    });
    expect((await managers.store.degrees.plansOf("execution-server", 5))[0]).toMatchObject({
      state: "done",
      progress: { live: 5 },
    });
  });
});

describe("incidents", () => {
  const report = (id: string, text: string, seconds: number) => ({
    id,
    key: "node-down:node-3",
    kind: "node.state",
    title: "Node node-3 is down",
    severity: "critical" as const,
    subject: "node-3",
    evidence: { text },
    text,
    at: later(seconds),
  });

  test("reports of one key at the same time open one incident; after it closed, the next opens another", async () => {
    const reports = [managers.store, managers.other, managers.store, managers.other].map((each, index) =>
      each.incidents.report(report(`i${index}`, "silent", index)),
    );
    const outcomes = await Promise.all(reports);
    expect(outcomes.filter(({ opened }) => opened)).toHaveLength(1);
    const [open] = await managers.store.incidents.list({ limit: 9, openOnly: true });
    expect(open).toMatchObject({ count: 4, state: "open" });
    expect(open?.timeline).toHaveLength(4);

    expect(await managers.store.incidents.acknowledge(open?.id ?? "", "ada", later(5))).toBe(true);
    expect(await managers.store.incidents.acknowledge(open?.id ?? "", "ben", later(6))).toBe(false);
    expect(await managers.store.incidents.close("node-down:node-3", "back after 10 s", later(10))).toMatchObject({
      state: "closed",
      closedAt: later(10),
    });
    expect(await managers.store.incidents.close("node-down:node-3", "again", later(11))).toBeNull();
    expect(await managers.store.incidents.report(report("i9", "silent again", 20))).toMatchObject({ opened: true });
    expect((await managers.store.incidents.list({ limit: 9, openOnly: false })).map(({ state }) => state)).toEqual([
      "open",
      "closed",
    ]);
  });

  test("a flood of reports is counted but does not grow without end", async () => {
    const flood = Array.from({ length: 230 }, (_, index) => ({
      ...report(`f${index}`, `report ${index}`, index),
      key: "flood",
    }));
    for (const each of flood) await managers.store.incidents.report(each);
    const incident = await managers.store.incidents.close("flood", "over", later(300));
    expect(incident?.count).toBe(230);
    expect(incident?.timeline).toHaveLength(201);
  });
});

describe("clients", () => {
  const ada = { id: "c-1", name: "ada", keyHash: "1".repeat(64), roles: ["teller"], createdBy: "local", createdAt: at };

  test("name and key are unique, also against revoked clients", async () => {
    expect(await managers.store.clients.add(ada)).toMatchObject({
      ok: true,
      value: { name: "ada", roles: ["teller"] },
    });
    expect(await managers.store.clients.revoke("ada", later(1))).toBe(true);
    expect(await managers.store.clients.revoke("ada", later(2))).toBe(false);
    expect(await managers.store.clients.add({ ...ada, id: "c-2", keyHash: "2".repeat(64) })).toEqual({
      ok: false,
      error: "taken",
    });
    expect(await managers.store.clients.add({ ...ada, id: "c-3", name: "eve" })).toEqual({ ok: false, error: "taken" });
    expect(await managers.store.clients.findByKeyHash("1".repeat(64))).toMatchObject({
      name: "ada",
      revokedAt: later(1),
    });
  });

  test("being seen is written at most once a minute", async () => {
    await managers.store.clients.touch(["c-1"], at);
    await managers.store.clients.touch(["c-1"], later(30));
    expect((await managers.store.clients.findByName("ada"))?.lastSeenAt).toEqual(at);
    await managers.store.clients.touch(["c-1"], later(61));
    expect((await managers.store.clients.findByName("ada"))?.lastSeenAt).toEqual(later(61));
  });
});

describe("screening", () => {
  const block = { kind: "address", value: "127.9.0.7", reason: "quarantined request", at } as const;

  test("unblocking an address lifts every block of it, and expired ones do not stand", async () => {
    await managers.store.screening.block({ ...block, id: "b1", requestId: "1".repeat(64), expiresAt: null });
    await managers.store.screening.block({ ...block, id: "b2", requestId: "2".repeat(64), expiresAt: later(60) });
    await managers.store.screening.block({
      ...block,
      id: "b3",
      value: "127.9.0.8",
      requestId: "2".repeat(64),
      expiresAt: null,
    });
    const standing = async (now: Date) => (await managers.store.screening.activeBlocks(now)).map(({ id }) => id).sort();
    expect(await standing(at)).toEqual(["b1", "b2", "b3"]);
    expect(await standing(later(60))).toEqual(["b1", "b3"]);
    const lifted = await managers.store.screening.liftBlocks("address", "127.9.0.7", "ada", later(5));
    expect(lifted.map(({ id }) => id).sort()).toEqual(["b1", "b2"]);
    expect((await managers.store.screening.liftBlocksOf("2".repeat(64), "ada", later(6))).map(({ id }) => id)).toEqual([
      "b3",
    ]);
    expect(await standing(at)).toEqual([]);
  });

  test("a released request's signature is revoked; hits add up", async () => {
    const requestId = "3".repeat(64);
    const signature = {
      id: "s1",
      operation: "deposit",
      pattern: { path: "amount" },
      mode: "enforce",
      requestId,
    } as const;
    await managers.store.screening.addSignature({
      ...signature,
      createdBy: "regulator",
      createdAt: at,
      expiresAt: null,
    });
    await managers.store.screening.countHits([{ id: "s1", hits: 2, shadowHits: 1, lastHitAt: at }]);
    await managers.store.screening.countHits([{ id: "s1", hits: 3, shadowHits: 0, lastHitAt: later(1) }]);
    expect(await managers.store.screening.setSignatureMode("s1", "shadow")).toBe(true);
    expect(await managers.store.screening.signatures()).toMatchObject([
      { hits: 5n, shadowHits: 1n, lastHitAt: later(1), mode: "shadow" },
    ]);
    expect((await managers.store.screening.revokeSignaturesOf(requestId, later(2))).map(({ id }) => id)).toEqual([
      "s1",
    ]);
    expect(await managers.store.screening.signatures()).toEqual([]);
  });

  test("a signature that is learned again after it was revoked stands again; told of once more, it stays as it was", async () => {
    const { screening } = managers.store;
    const pattern = { kind: "exact-digest" };
    const signature = {
      id: "s2",
      operation: "deposit",
      pattern,
      mode: "enforce",
      createdBy: "r",
      expiresAt: null,
    } as const;
    const [first, second] = [
      { ...signature, requestId: "4".repeat(64), createdAt: at },
      { ...signature, requestId: "5".repeat(64), createdAt: later(2) },
    ];
    expect(await screening.addSignature(first)).toBe(true);
    await screening.revokeSignaturesOf(first.requestId, later(1));
    expect(await screening.addSignature(first)).toBe(false);
    expect(await screening.signatures()).toEqual([]);
    expect(await screening.addSignature(second)).toBe(true);
    expect(await screening.addSignature(first)).toBe(false);
    expect(await screening.signatures()).toMatchObject([second]);
  });
});

describe("fleet and settings", () => {
  const node = {
    name: "node-1",
    address: "127.0.1.1",
    slots: 8,
    state: "up",
    pid: 10,
    since: at,
    lastReportAt: at,
  } as const;
  const server = {
    name: "execution-server-1",
    component: "execution-server",
    nodeName: "node-1",
    state: "up",
    role: null,
    hosts: [],
    port: 27410,
    pid: 11,
    processStartTime: 123n,
    incarnation: 2,
    certificateSerial: "0a",
    since: at,
  } as const;

  test("a report of an older incarnation of a server changes nothing", async () => {
    await managers.store.fleet.saveNode(node);
    await managers.store.fleet.saveNode({ ...node, state: "suspect" });
    expect(await managers.store.fleet.saveServer(server)).toBe(true);
    expect(await managers.store.fleet.saveServer({ ...server, incarnation: 1, state: "down" })).toBe(false);
    expect(await managers.store.fleet.saveServer({ ...server, state: "suspect" })).toBe(true);
    expect(await managers.store.fleet.nodes()).toMatchObject([
      { name: "node-1", state: "suspect", servers: [{ name: "execution-server-1", state: "suspect", incarnation: 2 }] },
    ]);
    await managers.store.fleet.removeServer("execution-server-1");
    expect(await managers.store.fleet.servers()).toEqual([]);
  });

  test("health samples come back in order and are pruned", async () => {
    const sample = { node: "node-1", cpu: 0.5, memoryBytes: 1n, memoryTotal: 2n, load: 0.1 };
    await managers.store.fleet.recordHealth([
      { ...sample, at: later(1) },
      { ...sample, at },
    ]);
    await managers.store.fleet.recordHealth([{ ...sample, at, cpu: 1 }]);
    expect((await managers.store.fleet.healthSince("node-1", at, 9)).map((row) => row.at)).toEqual([at, later(1)]);
    expect(await managers.store.fleet.pruneHealth(later(1))).toBe(1);
  });

  test("of two managers that set up a setting at once, both get the one that holds", async () => {
    const ensured = await Promise.all([
      managers.store.settings.ensure("cluster-name", "one", "local", at),
      managers.other.settings.ensure("cluster-name", "two", "local", at),
    ]);
    expect(ensured[0]).toBe(ensured[1]);
    await managers.store.settings.set("profile", { name: "optimized" }, "local", at);
    expect(await managers.other.settings.get("profile")).toEqual({ name: "optimized" });
    expect(await managers.store.settings.get("never-set")).toBeUndefined();
  });
});
