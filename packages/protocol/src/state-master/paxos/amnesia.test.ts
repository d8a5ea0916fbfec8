import type { ServerName } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { CALM, PaxosNetwork, seededRandom } from "./paxos-network.test-support.ts";
import { PAXOS_LIMITS } from "./timing.ts";

const ROUGH = { lossRate: 0.1, duplicateRate: 0.1, delayMsMax: 40, syncMsMax: 12 };
/** Entries are forgotten, journals cut and snapshots needed all the time. */
const SMALL = { keptSlotsMax: 12, truncateSlots: 5, markRecords: 4 };

const faultsTolerated = (masters: number): number => (masters - 1) / 2;

/** Servers but `except` whose journal has no seat yet: one that f+1 others know. */
function unseated(network: PaxosNetwork, except?: ServerName): ServerName[] {
  const all = [...network.masters.values()].filter(({ name }) => name !== except);
  const knows = (paxos: (typeof all)[number]["paxos"], server: ServerName, identity: string) =>
    paxos.masters.seats.some((seat) => seat.server === server && seat.identity === identity);
  return all
    .filter(({ name, identity }) => {
      if (identity === undefined) return false;
      return all.filter(({ paxos }) => knows(paxos, name, identity)).length <= faultsTolerated(network.masters.size);
    })
    .map(({ name }) => name);
}

interface Totals {
  wipes: number;
  cuts: number;
  readmissions: number;
  snapshots: number;
}

/**
 * All faults of paxos.test.ts, with journals lost besides: at most f at a time that have not been replaced. Agreement is
 * checked at every decision, against everything anybody ever decided, also those that have lost their memory since.
 */
function runSeed(seed: number, totals: Totals): void {
  const random = seededRandom(seed);
  const network = new PaxosNetwork(random() < 0.7 ? 3 : 5, random, SMALL);
  const names = [...network.masters.keys()];
  const f = faultsTolerated(names.length);
  const pick = () => names[Math.floor(random() * names.length)] as string;
  network.faults = random() < 0.8 ? ROUGH : CALM;
  const violence = random();
  let number = 0;
  for (let round = 0; round < 250; round++) {
    network.runUntil(network.now + 10 + Math.floor(random() * 20));
    for (const leader of network.leaders()) network.propose(leader, [`c${number++}`]);
    if (random() < 0.2) network.checkpoint(pick());
    if (random() > violence) continue;
    const dice = random();
    const victim = pick();
    if (dice < 0.15) network.crash(victim);
    else if (dice < 0.45) network.startMaster(victim);
    else if (dice < 0.6) network.cut.add(`${pick()}>${victim}`);
    else if (dice < 0.75) network.cut.clear();
    else if (dice < 0.8) network.handOver(victim);
    else if (dice < 0.85) network.master(victim).hasDatabase = random() < 0.6;
    else if (unseated(network, victim).length < f && !isHollowSomewhere(network, victim)) {
      network.wipe(victim);
      totals.wipes += 1;
    }
  }
  network.faults = CALM;
  network.cut.clear();
  for (const name of names) {
    network.master(name).hasDatabase = true;
    network.startMaster(name);
  }
  const isDone = () => {
    for (const leader of network.leaders()) network.propose(leader, ["last"]);
    return (
      unseated(network).length === 0 &&
      names.every((name) => network.master(name).decided.some(({ commands }) => commands.includes("last")))
    );
  };
  expect(network.runUntilTrue(isDone, 6000), `all journals seated and everything decided, seed ${seed}`).toBe(true);
  totals.cuts += network.cuts;
  totals.readmissions += [...network.agreed.values()].filter((value) => value.includes("journal")).length;
  totals.snapshots += network.transcript.filter((line) => line.endsWith("snapshotOffer")).length;
}

/** A master that waits for a snapshot counts as lost as long as it does. */
const isHollowSomewhere = (network: PaxosNetwork, except: ServerName): boolean =>
  [...network.masters.values()].some(({ name, isUp, paxos }) => name !== except && (!isUp || !paxos.isVoter));

describe("with journals lost, cut and replaced, under loss, crashes and partitions", () => {
  test("300 seeds agree on every slot for ever, seat the new journals and decide again once healed", () => {
    const totals: Totals = { wipes: 0, cuts: 0, readmissions: 0, snapshots: 0 };
    for (let seed = 1; seed <= 300; seed++) runSeed(seed, totals);
    for (const [kind, count] of Object.entries(totals)) expect(count, kind).toBeGreaterThan(100);
  }, 180_000);
});

describe("with a calm network", () => {
  const elect = (count: number): [PaxosNetwork, string] => {
    const network = new PaxosNetwork(count, seededRandom(11), SMALL);
    expect(network.runUntilTrue(() => network.leaders().length === 1, 2000)).toBe(true);
    return [network, network.leaders()[0] as string];
  };
  const others = (network: PaxosNetwork, leader: string) =>
    [...network.masters.keys()].filter((name) => name !== leader);
  const decide = (network: PaxosNetwork, count: number) => {
    for (let number = 0; number < count; number++) {
      for (const leader of network.leaders()) network.propose(leader, [`d${number}`]);
      network.runUntil(network.now + 20);
    }
  };

  test("a wiped master votes only after it has learned everything and has got a new seat", () => {
    const [network, leader] = elect(3);
    decide(network, 40);
    const [victim, third] = others(network, leader) as [string, string];
    network.wipe(victim);
    network.crash(third);
    network.startMaster(victim);
    decide(network, 5);
    // Leader and wiped master are two of three, but the wiped one's vote is nobody's.
    expect(network.agreed.size).toBeLessThan(45);
    expect(network.master(victim).paxos.isVoter).toBe(false);
    const before = network.agreed.size;
    network.startMaster(third);
    expect(network.runUntilTrue(() => network.master(victim).paxos.isVoter, 3000)).toBe(true);
    network.crash(third);
    decide(network, 50);
    expect(network.agreed.size).toBeGreaterThan(before + 10);
  });

  test("a ballot's seat is never given again: two journals of one server never propose under one ballot", () => {
    const [network, leader] = elect(3);
    for (let time = 0; time < 3; time++) {
      const victim = others(network, network.leaders()[0] ?? leader)[0] as string;
      network.wipe(victim);
      network.startMaster(victim);
      expect(network.runUntilTrue(() => network.master(victim).paxos.isVoter, 4000)).toBe(true);
    }
    const seats = network
      .master(leader)
      .decided.flatMap(({ masters }) => masters?.seats.map(({ seat, identity }) => `${seat} ${identity}`) ?? []);
    const bySeat = new Map(seats.map((text) => [text.split(" ")[0], text]));
    expect(seats.every((text) => bySeat.get(text.split(" ")[0]) === text)).toBe(true);
    expect(bySeat.size).toBeGreaterThan(3);
  });

  test("three masters become five and three again, one at a time, deciding all the while", () => {
    const [network, leader] = elect(3);
    const first = [...network.masters.keys()];
    network.addLearner("state-master-4");
    network.addLearner("state-master-5");
    const five = [...network.masters.keys()];
    const sizes = new Set<number>();
    const grow = (wanted: readonly string[]) => () => {
      for (const name of network.leaders()) {
        network.changeMasters(name, wanted);
        network.propose(name, ["work"]);
        sizes.add(network.master(name).paxos.masters.seats.length);
      }
      return network.leaders().some((name) => network.master(name).paxos.masters.seats.length === wanted.length);
    };
    expect(network.runUntilTrue(grow(five), 5000)).toBe(true);
    network.crash(leader);
    network.crash(others(network, leader)[0] as string);
    expect(
      network.runUntilTrue(() => network.leaders().some((name) => name !== leader), 3000),
      "two of five away",
    ).toBe(true);
    decide(network, 10);
    for (const name of five) network.startMaster(name);
    expect(network.runUntilTrue(grow(first), 5000)).toBe(true);
    expect([...sizes].sort()).toEqual([3, 4, 5]);
    const before = network.agreed.size;
    decide(network, 10);
    expect(network.agreed.size).toBeGreaterThan(before);
  });

  test("a leader that ends hands over without anybody waiting for its silence", () => {
    const [network, leader] = elect(3);
    decide(network, 5);
    const at = network.now;
    network.handOver(leader);
    expect(network.runUntilTrue(() => network.leaders().some((name) => name !== leader), 1000)).toBe(true);
    expect(network.now - at).toBeLessThan(PAXOS_LIMITS.electionTimeoutMs / 3);
  });

  test("leadership is confirmed by a majority, and not to a leader that is cut off", () => {
    const [network, leader] = elect(3);
    const asked = network.confirm(leader);
    expect(network.master(leader).paxos.confirmed).toBeLessThan(asked);
    network.runUntil(network.now + 30);
    expect(network.master(leader).paxos.confirmed).toBe(asked);
    for (const name of others(network, leader)) {
      network.cut.add(`${leader}>${name}`);
      network.cut.add(`${name}>${leader}`);
    }
    const again = network.confirm(leader);
    network.runUntil(network.now + 400);
    expect(network.master(leader).paxos.confirmed).toBeLessThan(again);
  });

  test("nothing is truncated before a majority has it in its databases, nor before the own database has it", () => {
    const [network, leader] = elect(3);
    const [away, third] = others(network, leader) as [string, string];
    network.master(away).hasDatabase = false;
    network.master(third).hasDatabase = false;
    decide(network, 60);
    network.runUntil(network.now + 1500);
    for (const name of network.masters.keys()) expect(network.master(name).paxos.truncatedThrough, name).toBe(0);
    expect(network.master(leader).paxos.lag).toBeGreaterThan(40);
    network.master(third).hasDatabase = true;
    decide(network, 60);
    network.runUntil(network.now + 1500);
    expect(network.master(leader).paxos.truncatedThrough).toBeGreaterThan(40);
    expect(network.master(third).paxos.truncatedThrough).toBeGreaterThan(40);
    expect(network.master(away).paxos.truncatedThrough).toBe(0);
  });
});
