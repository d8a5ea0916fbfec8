import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { removeData } from "./scratch.mjs";

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  made.push(path);
  return path;
}

function pointTo(kept: string, database: string): void {
  mkdirSync(database, { recursive: true });
  writeFileSync(join(database, "location"), `${kept}\n`);
}

test("with a data folder go the databases that were kept elsewhere, and nothing else that it names", () => {
  const data = mkdtempSync(join(tmpdir(), "redoubt-scratch-test-"));
  made.push(data);
  const hex = () => randomBytes(8).toString("hex");
  const kept = [1, 2].map(() => folder(`/var/tmp/redoubt-postgres-${hex()}-${hex()}`));
  const foreign = folder(mkdtempSync(join(tmpdir(), "redoubt-scratch-foreign-")));
  writeFileSync(join(foreign, "file"), "");
  pointTo(kept[0] as string, join(data, "postgres", "master-1"));
  pointTo(kept[1] as string, join(data, "second-cluster", "postgres", "auth"));
  pointTo(foreign, join(data, "postgres", "master-2"));
  pointTo(`${kept[0]}/../../../${foreign}`, join(data, "postgres", "master-3"));

  removeData(data);

  expect([data, ...kept].filter(existsSync)).toEqual([]);
  expect(existsSync(join(foreign, "file"))).toBe(true);
});

test("a data folder that is gone already is none to remove", () => {
  expect(() => removeData(join(tmpdir(), `redoubt-${randomBytes(8).toString("hex")}`))).not.toThrow();
});
