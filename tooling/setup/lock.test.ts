import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "./lock.mjs";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redoubt-lock-"));
  path = join(folder, "deep", "setup.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function ignoreWait(): void {}

test("two holders never overlap, and the lock is gone afterwards", async () => {
  let inside = 0;
  let insideMax = 0;
  async function work(): Promise<void> {
    inside += 1;
    insideMax = Math.max(insideMax, inside);
    await new Promise((done) => setImmediate(done));
    inside -= 1;
  }
  await Promise.all([1, 2, 3].map(() => withLock(path, ignoreWait, work)));
  expect(insideMax).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test("the lock is given back when the work fails", async () => {
  const failing = withLock(path, ignoreWait, () => Promise.reject(new Error("no disk")));
  await expect(failing).rejects.toThrow("no disk");
  expect(existsSync(path)).toBe(false);
});

test("the lock of a process that has ended is taken over", async () => {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await new Promise((done) => child.once("exit", done));
  await withLock(path, ignoreWait, () => Promise.resolve());
  writeFileSync(path, `${child.pid} 12345\n`);
  expect(await withLock(path, ignoreWait, () => Promise.resolve("mine"))).toBe("mine");
});

test("the lock of a later process with the same id is taken over", async () => {
  await withLock(path, ignoreWait, () => Promise.resolve());
  writeFileSync(path, `${process.pid} 1\n`);
  expect(await withLock(path, ignoreWait, () => Promise.resolve("mine"))).toBe("mine");
});

test("a broken lock file is taken over", async () => {
  await withLock(path, ignoreWait, () => Promise.resolve());
  writeFileSync(path, "");
  expect(await withLock(path, ignoreWait, () => Promise.resolve("mine"))).toBe("mine");
});

test("a waiting process says once who holds the lock", async () => {
  const waits: number[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((done) => {
    release = done;
  });
  const first = withLock(path, ignoreWait, () => released);
  const second = withLock(
    path,
    (holder) => {
      waits.push(holder);
      release();
    },
    () => Promise.resolve(),
  );
  await Promise.all([first, second]);
  expect(waits).toEqual([process.pid]);
});
