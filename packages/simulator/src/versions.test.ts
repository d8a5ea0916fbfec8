import { describe, expect, test } from "vitest";
import { FIRST_VERSION, SECOND_VERSION } from "./bank.ts";
import { nodeHasher } from "./hasher.test-support.ts";
import { verifiedChanges } from "./observation.ts";
import { planWorld, runSeed } from "./scenario.ts";
import { World } from "./world.ts";
import { changingVersions } from "./worlds/versions.ts";

const TIMEOUT_MS = 240_000;

describe("versions of the application that change under faults", { timeout: TIMEOUT_MS }, () => {
  test.each([1, 2, 3, 4, 5, 6])("violate nothing: each request is judged by its own, seed %i", (seed) => {
    const { violations, faults } = runSeed(seed, nodeHasher, { alter: changingVersions });
    expect(violations).toEqual([]);
    expect(faults.versionsChosen).toBeGreaterThan(3);
  });

  test("both versions change the state, and every verified change holds the reply of its ticket's version", () => {
    const world = new World(changingVersions(planWorld(3, nodeHasher)));
    world.run();
    const seen = new Set<string>();
    for (const { record } of verifiedChanges(world.observation())) {
      if (!record || record.ticket.body.operation === "genesis") continue;
      const { body } = JSON.parse(record.reply) as { body: { version?: string } };
      expect(body.version ?? FIRST_VERSION).toBe(record.ticket.body.applicationVersion);
      seen.add(record.ticket.body.applicationVersion);
    }
    expect([...seen].sort()).toEqual([FIRST_VERSION, SECOND_VERSION]);
  });
});
