import type { Digest, RegulatorFact, RequestId } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { isExempt, normaliseAddress } from "./addresses.ts";
import { Ancestors } from "./ancestors.ts";
import { Deadlines } from "./deadlines.ts";
import { FactLedger } from "./facts.ts";
import { MastersLink } from "./masters-link.ts";
import { PlacementTable } from "./placement.ts";
import { problemResponse } from "./problems.ts";
import { Quarantine } from "./quarantine.ts";
import { splitReply } from "./reply-content.ts";
import { SeenFilter } from "./seen-filter.ts";
import { ExecutionServers } from "./servers.ts";
import { Suspects } from "./suspects.ts";
import { chooseTesters } from "./tickets.ts";
import { TrafficCounters } from "./traffic.ts";
import { UnqualifiedLimiter } from "./unqualified.ts";

const id = (number: number): RequestId => number.toString(16).padStart(8, "0").repeat(8) as RequestId;
const digest = (letter: string): Digest => letter.repeat(64) as Digest;

describe("addresses", () => {
  test("have one spelling per host, an IPv6 host being its /64", () => {
    expect(normaliseAddress("::ffff:127.9.0.7")).toBe("127.9.0.7");
    expect(normaliseAddress("2001:DB8:0:1:aaaa::1")).toBe(normaliseAddress("2001:db8::1:2:3:4:5".replace("::", ":0:")));
    expect(normaliseAddress("::1")).toBe("0:0:0:0::/64");
  });

  test("are exempt when loopback 127.0.x.x or listed, and 127.9.x.x is not", () => {
    expect(isExempt("127.0.1.3", [])).toBe(true);
    expect(isExempt("127.9.0.7", [])).toBe(false);
    expect(isExempt("10.1.2.3", ["10.1.0.0/16"])).toBe(true);
    expect(isExempt("10.2.2.3", ["10.1.0.0/16", "10.2.2.4"])).toBe(false);
    expect(isExempt("10.2.2.4", ["10.2.2.4", "rubbish/99"])).toBe(true);
  });
});

test("deadlines come out in order, never early, at most a bucket late", () => {
  const deadlines = new Deadlines<number>();
  for (const at of [500, 20, 333, 21]) deadlines.add(at, at);
  expect(deadlines.take(19)).toEqual([]);
  expect(deadlines.next).toBe(20);
  expect(deadlines.take(340)).toEqual([20, 21, 333]);
  expect(deadlines.take(10_000)).toEqual([500]);
  expect(deadlines.next).toBeUndefined();
});

test("a request id once seen is never taken for new", () => {
  const filter = new SeenFilter(2 ** 16);
  for (let number = 0; number < 1_000; number++) filter.add(id(number * 7_919));
  for (let number = 0; number < 1_000; number++) expect(filter.mayHave(id(number * 7_919))).toBe(true);
  expect(new SeenFilter().mayHave(id(1))).toBe(false);
});

describe("facts", () => {
  const fact: RegulatorFact = { kind: "requestExonerated", requestId: id(1), clientId: "a" };

  test("are repeated until acknowledged, and numbered without holes", () => {
    const ledger = new FactLedger();
    expect(ledger.add(fact, 0).number).toBe(1);
    expect(ledger.add(fact, 0).number).toBe(2);
    expect(ledger.due(0).map(({ number }) => number)).toEqual([1, 2]);
    expect(ledger.due(1)).toEqual([]);
    expect(ledger.due(501).map(({ number }) => number)).toEqual([1, 2]);
    expect(ledger.acknowledge(1)).toBe(true);
    expect(ledger.due(1_100).map(({ number }) => number)).toEqual([2]);
    expect(ledger.acknowledge(99)).toBe(false);
    ledger.acknowledge(2);
    expect(ledger.wakeAt(9_999)).toBeUndefined();
  });

  test("go on numbering after a restart", () => {
    const ledger = new FactLedger();
    ledger.restore({ number: 7, at: 0, fact });
    expect(ledger.add(fact, 0).number).toBe(8);
  });
});

test("ancestors wake who waits for them, and heads stay known however old", () => {
  const ancestors = new Ancestors<string>();
  ancestors.waitFor(digest("a"), "first");
  ancestors.waitFor(digest("a"), "second");
  ancestors.forget(digest("a"), "second");
  expect(ancestors.settle(digest("a"), [5])).toEqual(["first"]);
  expect(ancestors.settle(digest("a"), [5])).toEqual([]);
  expect(ancestors.has(digest("a"))).toBe(true);
  expect(ancestors.isHead(digest("a"), [4, 5])).toBe(true);
  expect(ancestors.isHead(digest("b"), [5])).toBe(false);
});

describe("the bond with the masters", () => {
  const masters = ["state-master-1", "state-master-2"];
  const stream = (after: number, through: number, slots: number[] = []) => ({
    kind: "stream" as const,
    after,
    through,
    slots: slots.map((slot) => ({ slot, at: 0, decisions: [] })),
    primary: "state-master-2",
  });

  test("takes decisions in order, once, and notices holes", () => {
    const link = new MastersLink(masters, "nonce");
    expect(link.receive(stream(0, 3, [1, 3]), 0).slots.map(({ slot }) => slot)).toEqual([1, 3]);
    expect(link.receive(stream(0, 3, [1, 3]), 0).slots).toEqual([]);
    expect(link.receive(stream(2, 5, [3, 5]), 0).slots.map(({ slot }) => slot)).toEqual([5]);
    expect(link.receive(stream(7, 8, [8]), 0)).toEqual({ slots: [], hole: true });
    expect(link.through).toBe(5);
  });

  test("speaks to the primary while it is heard, to all when it is silent", () => {
    const link = new MastersLink(masters, "nonce");
    expect(link.addressees(0)).toEqual(masters);
    link.receive(stream(0, 1), 10);
    expect(link.addressees(20)).toEqual(["state-master-2"]);
    expect(link.addressees(2_000)).toEqual(masters);
    expect(link.followDue(100)).toBe(false);
    expect(link.followDue(400)).toBe(true);
    expect(link.followDue(401)).toBe(false);
  });
});

test("placement: a newer epoch takes clusters over, an older one never does", () => {
  const placement = new PlacementTable();
  const terms = { members: ["m"], faultsTolerated: 0 };
  placement.open({ ...terms, epoch: 5, holder: "a", clusters: [{ from: 0, to: 1023 }] }, 0);
  placement.settle(5, [{ from: 0, to: 1023 }]);
  const replaced = placement.open({ ...terms, epoch: 9, holder: "b", clusters: [{ from: 10, to: 19 }] }, 0);
  expect(replaced.map(({ epoch }) => epoch)).toEqual([5]);
  expect(placement.open({ ...terms, epoch: 7, holder: "c", clusters: [{ from: 0, to: 1023 }] }, 0)).toHaveLength(1);
  expect([placement.domainOf(15).holder, placement.domainOf(5).holder]).toEqual(["b", "c"]);
  const copy = new PlacementTable();
  copy.restore(placement.export(), 0);
  expect(copy.export()).toEqual(placement.export());
});

describe("execution servers", () => {
  const list = ["a", "b", "c"].map((server) => ({ server, incarnation: "1", publicKey: server }));
  const none = new Set<string>();

  test("work goes to the fewest strikes, then the least load (R34), and to avoided ones only when alone", () => {
    const servers = new ExecutionServers();
    servers.configure(list);
    servers.strike("a", 0);
    servers.get("b")?.running.add(id(1));
    expect(servers.choose(0, () => 0, none)?.server).toBe("c");
    expect(servers.choose(0, () => 0, new Set(["c"]))?.server).toBe("b");
    expect(servers.choose(0, () => 0, new Set(["a", "b", "c"]))?.server).toBe("c");
    expect(servers.choose(0, () => 0, none, { isPossible: () => false })).toBeUndefined();
  });

  test("a discarded process gets nothing more, however often it is listed (R84); its successor does", () => {
    const servers = new ExecutionServers();
    servers.configure(list);
    servers.remove("a", "1");
    servers.configure(list);
    expect(servers.isLive("a")).toBe(false);
    const gone = servers.configure([{ server: "a", incarnation: "2", publicKey: "" }]);
    expect(servers.isLive("a", "2")).toBe(true);
    expect(gone.map(({ server }) => server)).toEqual(["b", "c"]);
  });
});

test("testers: t+1 home members in rotation, everybody in the suspect lane, one server in the basic profile", () => {
  const domain = { epoch: 1, holder: "", members: ["m1", "m2", "m3"], faultsTolerated: 1, settled: true, since: 0 };
  const basic = { acceptanceFaultsTolerated: 0, distrusted: new Set<string>() };
  const base = { domain, acceptanceTestServers: ["t1", "t2"], attempt: 1, requestId: id(4), ...basic };
  expect(chooseTesters({ ...base, profile: "optimized", everybody: false })).toHaveLength(2);
  expect(chooseTesters({ ...base, profile: "optimized", everybody: true }).sort()).toEqual(domain.members);
  expect(chooseTesters({ ...base, profile: "basic", everybody: true })).toHaveLength(1);
  const five = {
    ...base,
    profile: "basic",
    everybody: false,
    acceptanceTestServers: ["t1", "t2", "t3", "t4", "t5"],
  } as const;
  expect(new Set(chooseTesters({ ...five, acceptanceFaultsTolerated: 1 })).size).toBe(3);
  expect(chooseTesters({ ...five, acceptanceFaultsTolerated: 7 })).toHaveLength(5);
  const distrusted = new Set(["t1", "t2"]);
  for (let attempt = 0; attempt < 5; attempt++) {
    expect(chooseTesters({ ...five, attempt, acceptanceFaultsTolerated: 1, distrusted }).sort()).toEqual([
      "t3",
      "t4",
      "t5",
    ]);
    expect(chooseTesters({ ...five, attempt, acceptanceFaultsTolerated: 2, distrusted })).toHaveLength(5);
  }
  const first = new Set(
    [0, 1, 2].map((each) => chooseTesters({ ...base, profile: "optimized", everybody: false, attempt: each })[0]),
  );
  expect(first.size).toBe(3);
});

test("quarantine: blocks and signatures are found, and taken back by what caused them", () => {
  const quarantine = new Quarantine();
  quarantine.block({ principal: "mallory", address: "127.9.0.7", requestId: id(1), reason: "leak" });
  quarantine.learn({
    kind: "exact-digest",
    signature: "s",
    operation: "put",
    inputDigest: digest("a"),
    requestId: id(1),
  });
  expect(quarantine.isPrincipalBlocked("mallory") && quarantine.isAddressBlocked("127.9.0.7")).toBe(true);
  expect(quarantine.match({ operation: "put", inputDigest: digest("a") })?.signature).toBe("s");
  expect(quarantine.match({ operation: "get", inputDigest: digest("a") })).toBeUndefined();
  for (const block of quarantine.blocksOf(id(1))) quarantine.unblock(block);
  for (const { signature } of quarantine.signaturesOf(id(1))) quarantine.revoke(signature);
  expect(quarantine.isPrincipalBlocked("mallory") || quarantine.isAddressBlocked("127.9.0.7")).toBe(false);
  expect(quarantine.match({ operation: "put", inputDigest: digest("a") })).toBeUndefined();
});

describe("the suspect lane is left again", () => {
  const convict = (suspects: Suspects, now: number): void => {
    for (const process of ["one", "two", "three"]) suspects.convicted("a", `${process} ${now}`, now);
  };
  const passesUntilFree = (suspects: Suspects, now: number): number => {
    let passes = 0;
    for (; suspects.has("a", now); passes++) suspects.passed("a");
    return passes;
  };

  test("one process convicted with many requests of a principal is one conviction", () => {
    const suspects = new Suspects();
    for (let request = 0; request < 10; request++) suspects.convicted("a", "the same", request);
    expect(suspects.has("a", 10)).toBe(false);
  });

  test("after sixteen requests that passed there, twice as many the next time, and so on", () => {
    const suspects = new Suspects();
    convict(suspects, 1);
    expect(passesUntilFree(suspects, 2)).toBe(16);
    convict(suspects, 3);
    expect(passesUntilFree(suspects, 4)).toBe(32);
    convict(suspects, 5);
    expect(passesUntilFree(suspects, 6)).toBe(64);
    convict(suspects, 700_000);
    expect(passesUntilFree(suspects, 700_001)).toBe(16);
  });

  test("counted anew after each process that is convicted meanwhile: good requests do not pay for bad ones", () => {
    const suspects = new Suspects();
    convict(suspects, 1);
    for (let round = 0; round < 50; round++) {
      for (let request = 0; request < 15; request++) suspects.passed("a");
      suspects.convicted("a", `another ${round}`, 2 + round);
      expect(suspects.has("a", 2 + round)).toBe(true);
    }
    for (let request = 0; request < 15; request++) suspects.passed("a");
    suspects.convicted("a", "another 49", 60);
    expect(passesUntilFree(suspects, 61)).toBe(1);
  });

  test("twice as many as long as convictions go on, however long ago the first was", () => {
    const suspects = new Suspects();
    const lengths: number[] = [];
    for (let round = 0; round < 8; round++) {
      const now = 1 + round * 500_000;
      convict(suspects, now);
      lengths.push(passesUntilFree(suspects, now + 1));
    }
    expect(lengths).toEqual([16, 32, 64, 128, 256, 512, 1_024, 2_048]);
  });

  test("is over for anybody ten minutes after the last conviction", () => {
    const suspects = new Suspects();
    for (let round = 0; round < 20; round++) convict(suspects, 1 + round);
    expect(suspects.has("a", 500_000)).toBe(true);
    expect(suspects.has("a", 600_030)).toBe(false);
  });

  test("what passes outside of it, or before, counts for nothing", () => {
    const suspects = new Suspects();
    for (let request = 0; request < 100; request++) suspects.passed("a");
    convict(suspects, 1);
    for (let request = 0; request < 15; request++) suspects.passed("a");
    expect(suspects.has("a", 2)).toBe(true);
  });
});

test("suspects: from the first failure until attribution ends, and after repeated convictions", () => {
  const suspects = new Suspects();
  suspects.open("a");
  suspects.open("a");
  suspects.close("a");
  expect(suspects.has("a", 0)).toBe(true);
  suspects.close("a");
  expect(suspects.has("a", 0)).toBe(false);
  for (const at of [1, 2, 3]) suspects.convicted("a", `server ${at}`, at);
  expect(suspects.has("a", 4)).toBe(true);
  expect(suspects.has("a", 700_000)).toBe(false);
});

test("unqualified requests cannot fill the disk: what is left out is counted", () => {
  const limiter = new UnqualifiedLimiter();
  const written = Array.from({ length: 1_000 }, () => limiter.take(0)).filter((omitted) => omitted !== undefined);
  expect(written).toHaveLength(200);
  expect(limiter.take(10_000)).toBe(800);
});

test("traffic is news only when requests caused it", () => {
  const traffic = new TrafficCounters();
  traffic.countEdge("state-master", "traffic-regulator");
  expect(traffic.changed).toBe(false);
  traffic.countEdge("client", "traffic-regulator");
  for (let latency = 1; latency <= 100; latency++) traffic.answered(latency);
  expect(traffic.changed).toBe(true);
  expect(traffic.report({ "log.L3": 2 })).toMatchObject({
    "edge.client.traffic-regulator": 1,
    "log.L3": 2,
    "latency.p50Ms": 51,
    "latency.p99Ms": 100,
  });
  expect(traffic.report({})).not.toHaveProperty("latency.p50Ms");
});

describe("an application's reply", () => {
  test("keeps its own text, byte for byte", () => {
    expect(splitReply('{"body":{"b":1,"a":"\\u00e4"},"status":200}')).toEqual({
      status: 200,
      bodyText: '{"b":1,"a":"\\u00e4"}',
    });
    expect(splitReply('{"status":422,"body":{"title":"no"}}')).toEqual({ status: 422, bodyText: '{"title":"no"}' });
  });

  test("is refused as a value when it is none, whatever it says", () => {
    for (const text of ["", "null", "[]", '{"body":1,"status":302}', '{"body":1,"status":"200"}', '{"status":200}'])
      expect(splitReply(text)).toBeUndefined();
    expect(splitReply('{"body":1,"x":2,"status":200}')).toEqual({ status: 200, bodyText: "1" });
  });
});

test("problems have stable types and never say which rule", () => {
  const { status, headers, bodyText } = problemResponse("rejected", { requestId: id(1) });
  expect(status).toBe(403);
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(JSON.parse(bodyText)).toEqual({
    type: "https://redoubt.dev/problems/rejected",
    title: "The request was rejected",
    status: 403,
    requestId: id(1),
  });
  expect(problemResponse("overloaded", { retryAfterSeconds: 3 }).headers["retry-after"]).toBe("3");
});
