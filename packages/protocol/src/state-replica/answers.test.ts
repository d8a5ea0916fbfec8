import { describe, expect, it } from "vitest";
import { shadowRunName } from "../shadow-run-name.ts";
import {
  digestOf,
  EXECUTION_SERVER,
  genesisOrder,
  MEMBERS,
  opened,
  order,
  REGULATOR,
  requestIdOf,
  settled,
  slot,
  ToyHolder,
  verified,
} from "../testing/toy.test-support.ts";
import { type Member, readyMember } from "./member.test-support.ts";

const deposit = (to: number, key: string, options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });
const again = (member: Member, requestId: ReturnType<typeof requestIdOf>, options = {}) =>
  member.receive(REGULATOR, {
    kind: "answerAgain",
    requests: [{ requestId, attempt: 1, test: false, reply: false, escalate: false, ...options }],
  });

function withAccount(member: Member, options = {}): ToyHolder {
  const holder = new ToyHolder();
  member.change(holder.change(genesisOrder(["account/1"], options), { "account/1": 100 }));
  member.clear();
  return holder;
}

describe("a tester", () => {
  it("tests on the versions it stores itself, answers once, after its test, the first one with the reply", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(record);
    expect(member.answers()).toEqual([]);
    expect(member.tests()).toMatchObject([
      {
        test: digestOf(record),
        operation: "deposit",
        reads: [{ object: "account/1", bytes: "100" }],
        writes: [{ object: "account/1", before: "100", after: "101" }],
        reply: record.reply,
      },
    ]);
    member.tested(digestOf(record));
    member.tested(digestOf(record));
    expect(member.answers()).toMatchObject([{ verdict: { kind: "pass" }, reply: record.reply }]);
    member.wait(3);
    expect(member.sent("state-master", "report").at(-1)?.changes.at(-1)).toMatchObject({ verdict: { kind: "pass" } });
  });

  it("sends the versions read with a failing verdict", () => {
    const member = readyMember(MEMBERS[1]);
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 9_999 });
    member.change(record);
    member.tested(digestOf(record), { kind: "fail", check: "sum", detail: "wrong" });
    expect(member.answers()).toMatchObject([{ verdict: { kind: "fail", check: "sum" }, reads: record.reads }]);
    expect(member.answers()[0]).not.toHaveProperty("reply");
  });

  it("that is not named tests when asked, and answers at once and with the verdict", () => {
    const member = readyMember(MEMBERS[2]);
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(record);
    expect(member.tests()).toEqual([]);
    again(member, requestIdOf(record), { test: true, reply: true });
    expect(member.answers().at(-1)).toMatchObject({ reply: record.reply });
    member.tested(digestOf(record));
    expect(member.answers().at(-1)).toMatchObject({ verdict: { kind: "pass" } });
  });

  it("judges genesis without the application's code", () => {
    const member = readyMember(MEMBERS[0]);
    const record = new ToyHolder().change(genesisOrder(["account/1"]), { "account/1": 7 });
    member.change(record);
    expect(member.tests()).toEqual([]);
    expect(member.answers()).toMatchObject([{ verdict: { kind: "fail", check: "genesis" } }]);
  });

  it("whose test died tests again when asked", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(record);
    member.tested(digestOf(record), { kind: "unable", detail: "time" });
    again(member, requestIdOf(record), { test: true });
    expect(member.tests()).toHaveLength(2);
  });
});

describe("asked again, a member", () => {
  it("hints at the attempt it knows when asked about another", () => {
    const member = readyMember();
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(record);
    member.clear();
    again(member, requestIdOf(record), { attempt: 2 });
    expect(member.answers()).toMatchObject([{ attempt: 1, known: true }]);
  });

  it("says nothing about what it does not hold", () => {
    const member = readyMember();
    expect(again(member, requestIdOf(new ToyHolder().change(genesisOrder(["account/1"]), {})))).toEqual([]);
  });

  it("attaches the signature it has", () => {
    const member = readyMember();
    const holder = withAccount(member);
    const record = holder.change(deposit(1, "a"), { "account/1": 101 });
    member.change(record);
    const digests = [digestOf(record)];
    member.receive("execution-server-9", { kind: "evidence", digests, signature: "forged" });
    member.receive(EXECUTION_SERVER, { kind: "evidence", digests, signature: "signed" });
    again(member, requestIdOf(record));
    expect(member.sent("traffic-regulator", "evidenceReport")).toMatchObject([
      { evidence: { digests, signature: "signed" } },
    ]);
  });

  it("reports a read-only change to the masters, not as durable", () => {
    const member = readyMember();
    const holder = withAccount(member);
    const record = holder.change(order({ of: 1 }, { operation: "balance" }), {});
    member.change(record);
    member.wait(5);
    member.clear();
    again(member, requestIdOf(record), { escalate: true });
    expect(member.sent("state-master", "report")[0]?.changes).toMatchObject([
      { digest: digestOf(record), durable: false },
    ]);
  });
});

describe("in the basic profile a member", () => {
  const basic = { profile: "basic", testers: ["acceptance-test-server-1"] } as const;

  it("asks the regulator for another acceptance test server when the masters do not decide a change", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = new ToyHolder();
    const genesis = holder.change(genesisOrder(["account/1"], basic), { "account/1": 100 });
    member.change(genesis);
    member.decide(slot(4, verified(genesis)));
    const record = holder.change(deposit(1, "a", basic), { "account/1": 101 });
    member.change(record);
    const asked = () => member.sent("traffic-regulator", "askTester");
    member.wait(999);
    expect(asked()).toEqual([]);
    member.wait(1);
    const { requestId } = record.ticket.body;
    expect(asked()).toEqual([{ kind: "askTester", requestId, attempt: 1 }]);
    member.decide(slot(5, verified(record)));
    member.wait(1_000);
    expect(asked()).toHaveLength(1);
  });

  it("answers at once and votes towards the designated server, again when asked, and towards another on order", () => {
    const member = readyMember(MEMBERS[0], false);
    const holder = withAccount(member, basic);
    const record = holder.change(deposit(1, "a", basic), { "account/1": 101 });
    member.change(record);
    expect(member.answers()).toHaveLength(1);
    again(member, requestIdOf(record));
    member.receive(REGULATOR, {
      kind: "redesignate",
      requestId: requestIdOf(record),
      attempt: 1,
      acceptanceTestServer: "acceptance-test-server-2",
    });
    const votes = member.effects.filter(
      (effect) => effect.kind === "send" && effect.component === "acceptance-test-server",
    );
    expect(votes.map((effect) => (effect.kind === "send" ? effect.to : ""))).toEqual([
      "acceptance-test-server-1",
      "acceptance-test-server-1",
      "acceptance-test-server-2",
    ]);
  });

  it("votes towards a+1 of the 2a+1 designated servers, and says so when an audit orders it, whatever is decided", () => {
    const member = readyMember(MEMBERS[0], false);
    const names = [1, 2, 3].map((number) => `acceptance-test-server-${number}`);
    const three = { profile: "basic", testers: names } as const;
    const holder = new ToyHolder();
    const genesis = holder.change(genesisOrder(["account/1"], three), { "account/1": 100 });
    const record = holder.change(deposit(1, "a", three), { "account/1": 101 });
    member.change(genesis);
    member.clear();
    member.change(record);
    const votes = () =>
      member.effects.flatMap((effect) =>
        effect.kind === "send" && effect.component === "acceptance-test-server" ? [effect] : [],
      );
    expect(votes().map(({ to }) => to)).toEqual(names.slice(0, 2));
    member.decide(slot(4, verified(genesis)), slot(5, verified(record)));
    member.clear();
    const order = { kind: "redesignate", requestId: requestIdOf(record), attempt: 1 } as const;
    member.receive(REGULATOR, { ...order, acceptanceTestServer: names[2] as string, audit: true });
    expect(votes()).toMatchObject([{ to: names[2], message: { kind: "memberAnswer", audit: true } }]);
  });

  it("gives the record and the versions it starts from", () => {
    const member = readyMember(MEMBERS[0], false);
    const holder = withAccount(member, basic);
    const record = holder.change(deposit(1, "a", basic), { "account/1": 101 });
    member.change(record);
    member.receive("acceptance-test-server-1", { kind: "fetchRecord", digest: digestOf(record) });
    const answer = member.sent("acceptance-test-server", "record")[0];
    expect(answer?.record).toEqual(record);
    expect(answer?.before).toMatchObject([{ object: "account/1", number: 1, bytes: "100" }]);
  });
});

describe("a fetch", () => {
  const fetch = (options = {}) =>
    ({ kind: "fetch", fetch: "f", ...deposit(1, "a", options), objects: ["account/1"], at: [] }) as const;

  it("gives newest versions, pending ones too, and tips, of the ticket's clusters", () => {
    const member = readyMember();
    const holder = withAccount(member);
    member.receive(EXECUTION_SERVER, fetch());
    const answer = member.sent("execution-server", "fetched")[0];
    expect(answer?.objects).toMatchObject([{ object: "account/1", version: { number: 1, bytes: "100" } }]);
    expect(answer?.tips).toEqual([{ cluster: 1, epoch: 2, follows: holder.tip(1) }]);
  });

  it("waits for the epoch its ticket names", () => {
    const member = readyMember();
    member.receive(EXECUTION_SERVER, fetch({ epoch: 4 }));
    expect(member.sent("execution-server", "fetched")).toEqual([]);
    member.decide(slot(4, opened(4)), slot(5, settled(4)));
    expect(member.sent("execution-server", "fetched")).toHaveLength(1);
  });

  it("is refused for an old epoch, a foreign ticket, a forged entry", () => {
    const member = readyMember();
    member.receive("execution-server-2", fetch());
    member.receive(EXECUTION_SERVER, { ...fetch(), ticket: { ...fetch().ticket, entries: {} } });
    member.decide(slot(4, opened(4)));
    member.receive(EXECUTION_SERVER, fetch());
    expect(member.refusals()).toEqual(["sender", "ticket", "stale-epoch"]);
  });

  it("gives a version asked for by its C1", () => {
    const member = readyMember();
    const holder = withAccount(member);
    const first = holder.reference("account/1");
    member.change(holder.change(deposit(1, "b"), { "account/1": 101 }));
    member.clear();
    member.receive(EXECUTION_SERVER, { ...fetch(), objects: [], at: [first] });
    expect(member.sent("execution-server", "fetched")[0]?.objects).toMatchObject([
      { version: { number: 1, bytes: "100" } },
    ]);
  });
});

describe("a shadow result", () => {
  it("is tested on the versions it read, answered with a verdict, and not stored", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccount(member);
    const shadow = holder.change(
      deposit(1, "a", { executionServer: "execution-server-2" }),
      { "account/1": 101 },
      undefined,
      true,
    );
    member.change(holder.change(deposit(1, "b"), { "account/1": 500 }));
    member.clear();
    member.receive("execution-server-2", {
      kind: "shadowResult",
      run: shadowRunName(shadow.ticket.body),
      record: shadow,
    });
    expect(member.tests()).toMatchObject([{ reads: [{ bytes: "100" }] }]);
    const test = member.tests()[0];
    member.tested(test?.kind === "test" ? test.test : "", { kind: "fail", check: "c", detail: "d" });
    expect(member.sent("traffic-regulator", "shadowVerdict")).toMatchObject([
      { run: shadowRunName(shadow.ticket.body), verdict: { kind: "fail" }, resultDigest: digestOf(shadow) },
    ]);
    expect(member.accepted()).toHaveLength(2);
    member.receive("execution-server-2", {
      kind: "shadowResult",
      run: shadowRunName(shadow.ticket.body),
      record: shadow,
    });
    expect(member.sent("traffic-regulator", "shadowVerdict")).toHaveLength(2);
  });

  it("of another server than the ticket's is not tested, and its sender is told of (A26)", () => {
    const member = readyMember(MEMBERS[0]);
    const shadow = withAccount(member).change(deposit(1, "a"), { "account/1": 101 }, undefined, true);
    const run = shadowRunName(shadow.ticket.body);
    member.receive("execution-server-3", { kind: "shadowResult", run, record: shadow });
    expect(member.tests()).toEqual([]);
    expect(member.sent("traffic-regulator", "shadowVerdict")).toEqual([]);
    expect(member.sent("traffic-regulator", "refusalReport")).toMatchObject([
      { executionServer: "execution-server-3", reason: "sender", act: "foreign-ticket" },
    ]);
  });

  it("under an invented name is a fabricated reply, told to the regulator and not tested (R48, A22)", () => {
    const member = readyMember(MEMBERS[0]);
    const shadow = withAccount(member).change(deposit(1, "a"), { "account/1": 101 }, undefined, true);
    member.receive(EXECUTION_SERVER, { kind: "shadowResult", run: "invented/1", record: shadow });
    expect(member.tests()).toEqual([]);
    expect(member.sent("traffic-regulator", "refusalReport")).toMatchObject([
      { executionServer: EXECUTION_SERVER, reason: "malformed", act: "fabricated-reply" },
    ]);
  });

  it("that writes outside its access fails", () => {
    const member = readyMember(MEMBERS[0]);
    const holder = withAccount(member);
    const shadow = holder.change(deposit(1, "a"), { "account/2": 101 }, undefined, true);
    member.receive(EXECUTION_SERVER, { kind: "shadowResult", run: shadowRunName(shadow.ticket.body), record: shadow });
    expect(member.sent("traffic-regulator", "shadowVerdict")).toMatchObject([
      { verdict: { kind: "fail", check: "scope" } },
    ]);
  });
});

it("an object's description computes C1 again from the stored bytes", () => {
  const member = readyMember();
  const holder = withAccount(member);
  member.receive("configuration-manager-1", { kind: "describeObject", query: "q", object: "account/1" });
  expect(member.sent("configuration-manager", "objectDescription")).toMatchObject([
    {
      query: "q",
      versions: [
        { number: 1, c1: holder.reference("account/1").c1, status: "pending", executionServer: EXECUTION_SERVER },
      ],
    },
  ]);
});
