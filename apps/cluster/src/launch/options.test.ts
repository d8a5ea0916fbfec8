import { describe, expect, test } from "vitest";
import { checkOptions, UsageError } from "./options.ts";

const given = (settings: Record<string, string>) => ({
  ...{ data: "/data", application: "/app", portBase: 7400, profile: "optimized", strictPaper: false, drills: true },
  ...{ nodes: 5, degrees: {}, settings },
});

describe("how long masters keep metadata", () => {
  test.each(["0", "60000", "2592000000"])("may be %s ms", (metadataRetentionMs) => {
    expect(checkOptions(given({ metadataRetentionMs })).settings).toEqual({ metadataRetentionMs });
  });

  test.each(["1", "59999", "-60000", "a day"])(
    "is refused with the flag's name when it is %s",
    (metadataRetentionMs) => {
      expect(() => checkOptions(given({ metadataRetentionMs }))).toThrow(UsageError);
      expect(() => checkOptions(given({ metadataRetentionMs }))).toThrow(/--setting/);
    },
  );
});
