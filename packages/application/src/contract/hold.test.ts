import { LIMITS } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compileContract } from "./compile-contract.ts";
import type { OperationDefinition } from "./define-contract.ts";

const compiled = (quarantine: Pick<OperationDefinition, "onQuarantine" | "holdMs">) =>
  compileContract({
    name: "shop",
    title: "Shop",
    version: 1,
    objects: { account: { key: "{customer}", schema: z.int() } },
    operations: {
      save: {
        title: "Save",
        input: z.strictObject({ id: z.int() }),
        output: z.null(),
        access: [{ object: "account/{id}", mode: "write" }],
        ...quarantine,
      },
    },
  });

const operationOf = (quarantine: Pick<OperationDefinition, "onQuarantine" | "holdMs">) => {
  const contract = compiled(quarantine);
  return contract.ok ? contract.value.operations.save : undefined;
};

describe("onQuarantine", () => {
  test("rejects where nothing is said, and holds for an hour or as long as is said", () => {
    expect(operationOf({})).toMatchObject({ onQuarantine: "reject" });
    expect(operationOf({})).not.toHaveProperty("holdMs");
    expect(operationOf({ onQuarantine: "hold" })).toMatchObject({ onQuarantine: "hold", holdMs: LIMITS.defaultHoldMs });
    expect(operationOf({ onQuarantine: "hold", holdMs: 60_000 })).toMatchObject({ holdMs: 60_000 });
  });

  test.each([
    [{ onQuarantine: "keep" as "hold" }, "onQuarantine", 'must be "reject" or "hold"'],
    [{ holdMs: 60_000 }, "holdMs", 'is for operations with onQuarantine "hold" only'],
    ...[0, -1, 999, 1.5, Number.NaN, LIMITS.holdMsMax + 1].map(
      (holdMs) => [{ onQuarantine: "hold", holdMs }, "holdMs", "must be 1000 to 43200000 milliseconds"] as const,
    ),
  ] as const)("refuses %j, naming the field", (quarantine, field, message) => {
    expect(compiled(quarantine)).toEqual({ ok: false, error: [{ where: "operation save", field, message }] });
  });
});
