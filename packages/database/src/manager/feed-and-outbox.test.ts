import type { FeedFact } from "@redoubt/shared";
import { beforeAll, describe, expect, test } from "vitest";
import { at, later, useTwoManagers } from "../testing/two-managers.test-support.ts";
import type { NewDelivery } from "./outbox.ts";

const managers = useTwoManagers();

describe("the feed", () => {
  const fact = (cause: string): FeedFact => ({
    kind: "node.state",
    severity: "warning",
    node: "node-3",
    from: "up",
    to: "suspect",
    cause,
  });

  test("numbers events without holes, and a reader that follows it while two managers append misses none", async () => {
    const seen: number[] = [];
    let done = false;
    const reader = (async () => {
      while (!done || seen.length < 120) {
        for (const event of await managers.store.feed.after(seen.at(-1) ?? 0, 7)) seen.push(event.number);
      }
    })();
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? managers.store : managers.other).feed.append(
          [fact(`${index} a`), fact(`${index} b`), fact(`${index} c`)],
          at,
        ),
      ),
    );
    done = true;
    await reader;
    expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
  }, 60_000);

  test("gives back what was appended, with number and time", async () => {
    const { latest } = await managers.store.feed.range();
    const appended = await managers.store.feed.append([fact("lost \0 beats")], at);
    const expected = { ...fact("lost \uFFFD beats"), number: latest + 1, at: at.toISOString() };
    expect(appended).toEqual([expected]);
    expect(await managers.other.feed.after(latest, 10)).toEqual([expected]);
    expect(await managers.store.feed.newest(1)).toEqual([expected]);
    expect(await managers.store.feed.newestOf(expected.kind, 1)).toEqual([expected]);
    expect(await managers.store.feed.newestOf("storage.damage", 1)).toEqual([]);
  });

  test("goes on numbering after old events were forgotten, even all but one", async () => {
    const { latest } = await managers.store.feed.range();
    await managers.store.feed.prune(0);
    expect(await managers.store.feed.range()).toEqual({ oldest: latest, latest });
    expect((await managers.store.feed.append([fact("next")], at))[0]?.number).toBe(latest + 1);
  });
});

describe("the outbox", () => {
  const delivery = (id: string, fields: Partial<NewDelivery> = {}): NewDelivery => ({
    id,
    subscriptionId: "subscription-1",
    purpose: "event",
    eventNumber: 1,
    dedupeKey: `key of ${id}`,
    subject: "Node node-3 is down",
    message: { text: "…" },
    notBefore: at,
    createdAt: at,
    ...fields,
  });

  beforeAll(async () => {
    const code = { verificationCodeHash: "c".repeat(64), createdAt: at, minimumSeverity: "warning" } as const;
    const address = { channel: "email", address: "ada@example.org", events: [] } as const;
    await managers.store.subscriptions.add({ id: "subscription-1", owner: "ada", ...address, ...code });
    await managers.store.subscriptions.add({ id: "subscription-2", owner: "ben", ...address, ...code });
  });

  test("hands every due delivery to exactly one of several senders", async () => {
    const deliveries = Array.from({ length: 60 }, (_, index) => delivery(`d${index}`));
    expect(await managers.store.outbox.enqueue(deliveries)).toBe(60);
    expect(await managers.other.outbox.enqueue(deliveries.slice(0, 10))).toBe(0);

    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 === 0 ? managers.store : managers.other).outbox.claim(`sender-${index}`, 7, later(1), later(60)),
      ),
    );
    const ids = claims.flat().map(({ id }) => id);
    expect(ids).toHaveLength(60);
    expect(new Set(ids).size).toBe(60);
    expect(await managers.store.outbox.claim("late", 100, later(2), later(60))).toEqual([]);
    for (const [index, claim] of claims.entries()) {
      for (const { id, subscription, attempts } of claim) {
        expect([subscription.address, attempts]).toEqual(["ada@example.org", 1]);
        expect(
          await managers.store.outbox.complete(id, `sender-${index}`, { kind: "sent", reply: "250 Ok" }, later(3)),
        ).toBe(true);
      }
    }
    expect(await managers.store.outbox.nextDue()).toBeNull();
  });

  test("a claim that lapsed goes to another sender, and the first can no longer complete it", async () => {
    await managers.store.outbox.enqueue([delivery("lapsing")]);
    expect(await managers.store.outbox.claim("dying", 1, at, later(30))).toHaveLength(1);
    expect(await managers.store.outbox.nextDue()).toEqual(later(30));
    expect(await managers.other.outbox.claim("early", 1, later(29), later(90))).toEqual([]);
    expect(await managers.other.outbox.claim("next", 1, later(30), later(90))).toMatchObject([
      { id: "lapsing", attempts: 2 },
    ]);
    expect(await managers.store.outbox.complete("lapsing", "dying", { kind: "sent", reply: "250" }, later(31))).toBe(
      false,
    );
    expect(
      await managers.other.outbox.complete("lapsing", "next", { kind: "failed", reply: "550 no such user" }, later(31)),
    ).toBe(true);
  });

  test("a delayed delivery waits for its time and keeps the replies of every attempt", async () => {
    await managers.store.outbox.enqueue([delivery("delayed")]);
    await managers.store.outbox.claim("sender", 1, at, later(30));
    const retry = { kind: "retry", reply: "451 try again", nextAttemptAt: later(100) } as const;
    await managers.store.outbox.complete("delayed", "sender", retry, later(1));
    expect(await managers.store.outbox.claim("sender", 1, later(99), later(130))).toEqual([]);
    expect(await managers.store.outbox.claim("sender", 1, later(100), later(130))).toHaveLength(1);
    await managers.store.outbox.complete("delayed", "sender", { kind: "sent", reply: "250 Ok" }, later(101));
    const listed = (await managers.store.outbox.list({ owner: "ada", limit: 100 })).find(({ id }) => id === "delayed");
    expect(listed).toMatchObject({ state: "sent", attempts: 2, sentAt: later(101), lastReply: "250 Ok" });
    expect(listed?.attemptLog).toEqual([
      { at: later(1).toISOString(), ok: false, reply: "451 try again" },
      { at: later(101).toISOString(), ok: true, reply: "250 Ok" },
    ]);
    expect(await managers.store.outbox.list({ owner: "ben", limit: 100 })).toEqual([]);
  });

  test("a code is void after five wrong ones, and only a verified, unflagged address is active", async () => {
    const right = "c".repeat(64);
    const wrong = "d".repeat(64);
    for (let attempt = 1; attempt <= 4; attempt++) {
      expect(await managers.store.subscriptions.verify("subscription-2", wrong, at)).toBe("wrong-code");
    }
    expect(await managers.store.subscriptions.verify("subscription-2", wrong, at)).toBe("void");
    expect(await managers.store.subscriptions.verify("subscription-2", right, at)).toBe("void");
    expect(await managers.store.subscriptions.verify("subscription-1", right, at)).toBe("verified");
    expect(await managers.store.subscriptions.verify("none", right, at)).toBe("not-found");
    expect((await managers.store.subscriptions.active()).map(({ id }) => id)).toEqual(["subscription-1"]);
    await managers.store.subscriptions.flag("subscription-1", "550 no such user", at);
    expect(await managers.store.subscriptions.active()).toEqual([]);
    expect(await managers.store.subscriptions.remove("subscription-1")).toBe(true);
    expect(await managers.store.outbox.list({ owner: "ada", limit: 1 })).toEqual([]);
  });
});
