import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isStoppedElsewhere } from "./data-folder.ts";

describe("a cluster that runs in the foreground", () => {
  let data: string;
  let interrupted: AbortController;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "redoubt-folder-"));
    mkdirSync(join(data, "run"));
    interrupted = new AbortController();
  });
  afterEach(() => {
    interrupted.abort();
    rmSync(data, { recursive: true, force: true });
  });

  test("is found stopped when another command marks it as ending", async () => {
    const stopped = isStoppedElsewhere(data, interrupted.signal);
    writeFileSync(join(data, "run", "ending"), "");
    await expect(stopped).resolves.toBe(true);
  });

  test("is found stopped when its folder is gone", async () => {
    const stopped = isStoppedElsewhere(data, interrupted.signal);
    rmSync(join(data, "run"), { recursive: true });
    await expect(stopped).resolves.toBe(true);
  });

  test("is not, when it is interrupted first", async () => {
    const stopped = isStoppedElsewhere(data, interrupted.signal);
    interrupted.abort();
    await expect(stopped).resolves.toBe(false);
  });
});
