import { describe, expect, test } from "vitest";
import { CpuAccount } from "./cpu-account.ts";

const CORES = 4;
const STEP_MS = 10;

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

describe("CPU time of the requests in one process", () => {
  test("a request that is alone is over its budget as soon as the process has used more", () => {
    const account = new CpuAccount(CORES);
    account.begin("a", 500, 0);
    expect(account.look(1_000, 50)).toBeUndefined();
    expect(account.look(1_500, 250)).toBeUndefined();
    expect(account.look(1_540, 260)).toEqual({ execution: "a", usedMs: 540, budgetMs: 500 });
  });

  test("what was used before it came is not its own", () => {
    const account = new CpuAccount(CORES);
    account.begin("a", 500, 0);
    expect(account.look(90_000, 50)).toBeUndefined();
    expect(account.look(90_400, 500)).toBeUndefined();
  });

  test("beside others it is over when they cannot have used the rest", () => {
    const account = new CpuAccount(CORES);
    for (const execution of ["a", "b"]) account.begin(execution, 500, 0);
    expect(account.look(0, 50)).toBeUndefined();
    expect(account.look(1_000, 500)).toBeUndefined();
    expect(account.look(1_100, 600)).toMatchObject({ execution: "a" });
  });

  test("the short ones that come and go beside it excuse no more than the time they were there", () => {
    const account = new CpuAccount(CORES);
    account.begin("a", 500, 0);
    account.look(0, 0);
    for (let at = 100; at < 400; at += 100) {
      account.begin("short", 500, at);
      account.end("short", at + 10);
    }
    // Three times ten milliseconds on four cores.
    expect(account.look(640, 400)).toBeUndefined();
    expect(account.look(660, 410)).toMatchObject({ execution: "a" });
  });

  test.each(Array.from({ length: 100 }, (_, index) => index + 1))(
    "nobody is blamed while everybody keeps to a budget, whatever comes, computes and goes, seed %i",
    (seed) => {
      const random = generator(seed);
      const requests = Array.from({ length: 1 + Math.floor(random() * 12) }, (_, index) => ({
        execution: `${index}`,
        from: STEP_MS * Math.floor(random() * 200),
        lasts: STEP_MS * (1 + Math.floor(random() * 200)),
        budgetMs: 100 + Math.floor(random() * 2_000),
        threads: CORES * random(),
        usedMs: 0,
      }));
      const account = new CpuAccount(CORES);
      let totalMs = 0;
      for (let now = 0; now <= 4_000; now += STEP_MS) {
        let freeMs = CORES * STEP_MS;
        for (const request of requests) {
          if (now === request.from) account.begin(request.execution, request.budgetMs, now);
          if (now === request.from + request.lasts) account.end(request.execution, now);
          if (now < request.from || now >= request.from + request.lasts) continue;
          const moreMs = Math.min(request.threads * STEP_MS, freeMs, request.budgetMs - request.usedMs);
          request.usedMs += moreMs;
          freeMs -= moreMs;
          totalMs += moreMs;
        }
        if (now % (5 * STEP_MS) === 0) expect(account.look(totalMs, now + STEP_MS)).toBeUndefined();
      }
      expect(totalMs).toBeGreaterThan(0);
    },
  );
});
