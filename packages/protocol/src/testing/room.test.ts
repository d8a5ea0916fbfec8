import { describe, expect, it } from "vitest";
import { genesis, Room, SERVERS, transfer } from "./room.test-support.ts";
import { FIRST_VALUE, MEMBERS } from "./toy.test-support.ts";

const ACCOUNTS = 4;
const TRANSFERS = 40;

function play(seed: number, lossRate: number, disturb: (room: Room) => void): Room {
  const room = new Room(seed, lossRate);
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => index + 1);
  room.submit(genesis(accounts));
  room.run(20_000, () => room.master.outcomes.size === 1);
  for (let count = 0; count < TRANSFERS; count++) {
    const from = Math.floor(room.random() * ACCOUNTS);
    const to = (from + 1 + Math.floor(room.random() * (ACCOUNTS - 1))) % ACCOUNTS;
    room.later(Math.floor(room.random() * 300), () => room.submit(transfer(from + 1, to + 1, 1 + count, `t${count}`)));
  }
  disturb(room);
  room.run(120_000, () => room.requests.length === TRANSFERS + 1 && room.master.outcomes.size === TRANSFERS + 1);
  room.run(room.now + 2_000);
  return room;
}

function check(room: Room): void {
  expect(room.master.outcomes.size).toBe(TRANSFERS + 1);
  const [first] = MEMBERS;
  const chainOf = (member: string, account: number) =>
    room.replicas
      .get(member)
      ?.versionsOf(`account/${account}`)
      .filter(({ status }) => status !== "invalid")
      .map(({ stored, status }) => ({ number: stored.number, c1: stored.c1, bytes: stored.bytes, status }));
  let sum = 0;
  for (let account = 1; account <= ACCOUNTS; account++) {
    const chain = chainOf(first, account);
    for (const member of MEMBERS) {
      expect(chainOf(member, account)).toEqual(chain);
      expect(room.replicas.get(member)?.cluster(account).verifiedHead).toBe(room.master.heads.get(account));
    }
    expect(chain?.every(({ status }) => status === "verified")).toBe(true);
    sum += Number(chain?.at(-1)?.bytes);
  }
  expect(sum).toBe(ACCOUNTS * FIRST_VALUE);
  // I3: what was released is what was verified.
  for (const digest of room.released.values()) expect(room.master.verified.has(digest)).toBe(true);
}

describe("three members and an execution server", () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`end with equal verified chains whatever the order of delivery (seed ${seed})`, () => {
      const room = play(seed, 0, () => undefined);
      check(room);
      expect(room.released.size).toBe(TRANSFERS + 1);
      expect(room.master.epoch).toBe(2);
    });
  }

  for (let seed = 101; seed <= 112; seed++) {
    it(`end so with lost and repeated messages too (seed ${seed})`, () => check(play(seed, 0.05, () => undefined)));
  }

  for (let seed = 201; seed <= 224; seed++) {
    it(`end so through changes of epoch and holder and crashes of members (seed ${seed})`, () => {
      const room = play(seed, 0.03, (disturbed) => {
        for (let count = 0; count < 4; count++) {
          const holder = SERVERS[Math.floor(disturbed.random() * 2)] as string;
          disturbed.later(Math.floor(disturbed.random() * 600), () => disturbed.master.openEpoch(holder));
        }
        for (let count = 0; count < 3; count++) {
          const member = MEMBERS[Math.floor(disturbed.random() * 3)] as string;
          disturbed.later(count * 250 + Math.floor(disturbed.random() * 200), () => disturbed.crash(member));
        }
      });
      check(room);
    });
  }
});
