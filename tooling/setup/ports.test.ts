import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePortBlock } from "./ports.mjs";

function listen(host: string, port: number): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port }, () => resolve(() => new Promise((done) => server.close(() => done()))));
  });
}

test("the first and the last port of a block can be listened on, below the ports that the system hands out", async () => {
  const base = await freePortBlock();
  expect(base % 100).toBe(0);
  expect(base).toBeGreaterThanOrEqual(10_000);
  expect(base + 99).toBeLessThan(32_768);
  for (const [host, port] of [
    ["127.0.0.1", base],
    ["127.0.0.1", base + 99],
    ["127.0.1.1", base + 10],
  ] as const) {
    const close = await listen(host, port);
    await close();
  }
});

test("no block is given out twice, although nobody listens yet", async () => {
  const bases = await Promise.all([1, 2, 3, 4].map(() => freePortBlock()));
  expect(new Set(bases).size).toBe(bases.length);
});
