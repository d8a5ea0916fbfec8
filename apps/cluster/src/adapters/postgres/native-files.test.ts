import { chmod, cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { installedNativeDirectory, prepareNativeFiles } from "./native-files.ts";
import { makeTestFolder, removeTestFolder } from "./test-folders.ts";
import { postgresUserIds } from "./unprivileged-user.ts";

const timeoutMs = 120_000;
let folder: string;
let installed: string;

/** An installation as npm leaves it when it runs no install scripts: no library links, nothing executable. */
beforeEach(async () => {
  folder = await makeTestFolder();
  await mkdir(join(folder, "package"));
  installed = join(folder, "package/native");
  const original = await installedNativeDirectory();
  await cp(original, installed, { recursive: true, verbatimSymlinks: true });
  await cp(join(original, "../package.json"), join(folder, "package/package.json"));
  const links: { target: string }[] = JSON.parse(await readFile(join(installed, "pg-symlinks.json"), "utf8"));
  for (const { target } of links) await rm(join(folder, "package", target), { force: true });
  for (const program of await readdir(join(installed, "bin"))) await chmod(join(installed, "bin", program), 0o644);
}, timeoutMs);

afterEach(() => removeTestFolder(folder), timeoutMs);

const places = () => ({ installed, copies: join(folder, "copies") });

test("missing links and executable bits are repaired in place, by several at once", {
  timeout: timeoutMs,
}, async () => {
  const ids = await postgresUserIds();
  const lines: string[] = [];
  const prepared = await Promise.all(
    [1, 2, 3, 4].map(() => prepareNativeFiles(ids, (line) => lines.push(line), places())),
  );
  expect(prepared).toEqual([installed, installed, installed, installed]);
  expect(lines).toEqual([]);
  const leftovers = (await readdir(join(installed, "lib"))).filter((name) => name.includes(String(process.pid)));
  expect(leftovers).toEqual([]);
});

describe("below a folder that only its owner may enter", () => {
  /** Root runs Postgres as somebody else, who cannot enter; everybody else runs it in place. */
  const isCopied = process.getuid?.() === 0;

  beforeEach(async () => {
    await chmod(join(folder, "package"), 0o700);
    await mkdir(join(folder, "copies"), { mode: 0o755 });
  });

  test("one copy is made where it is needed, by several at once, and used again", { timeout: timeoutMs }, async () => {
    const ids = await postgresUserIds();
    const prepared = await Promise.all([1, 2, 3].map(() => prepareNativeFiles(ids, () => undefined, places())));
    expect(new Set(prepared).size).toBe(1);
    expect(prepared[0] === installed).toBe(!isCopied);
    expect(await readdir(join(folder, "copies"))).toHaveLength(isCopied ? 1 : 0);

    const lines: string[] = [];
    expect(await prepareNativeFiles(ids, (line) => lines.push(line), places())).toBe(prepared[0]);
    expect(lines).toEqual([]);
  });

  test("a copy that others may change is never run", { timeout: timeoutMs }, async () => {
    const ids = await postgresUserIds();
    const prepared = await prepareNativeFiles(ids, () => undefined, places());
    await chmod(join(prepared, ".."), 0o777);
    const again = prepareNativeFiles(ids, () => undefined, places());
    if (isCopied) await expect(again).rejects.toThrow(/open to others/);
    else expect(await again).toBe(installed);
  });
});
