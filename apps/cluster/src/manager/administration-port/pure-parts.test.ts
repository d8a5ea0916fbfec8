import type { ContractJson } from "@redoubt/application";
import type { Digest, RequestId } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import type { StoredVersionEntry } from "../state-link.ts";
import { mergeVersions } from "./object-versions.ts";
import { maskPayload } from "./quarantine-payload.ts";

const c1 = (letter: string): Digest => letter.repeat(64) as Digest;
const requestId = "1".repeat(64) as RequestId;
const stored = (number: number): StoredVersionEntry => ({
  object: "account/1",
  number,
  epoch: 2,
  parent: { number: number - 1, epoch: number === 1 ? 0 : 2, c1: c1("0") },
  c1: c1("a"),
  c2: c1("b"),
  requestId,
  attempt: 1,
  changeDigest: c1("c"),
  executionServer: "execution-server-1",
  testers: ["state-replica-1", "state-replica-2"],
  previousSlot: 0,
  at: 1_000,
  slot: number,
});
const held = (number: number, status: "pending" | "verified" | "invalid", digest = c1("a")) => ({
  number,
  epoch: 2,
  c1: digest,
  status,
  requestId,
  executionServer: "execution-server-1",
});

describe("versions of an object", () => {
  test("ascend, each with what every replica stores, and name their parents", () => {
    const versions = mergeVersions(
      [stored(2), stored(1)],
      ["state-replica-1", "state-replica-2"].map((server) => ({
        server,
        versions: [held(1, "verified"), held(2, "verified")],
      })),
    );
    expect(versions.map(({ number }) => number)).toEqual([1, 2]);
    expect(versions[0]?.parent).toBeNull();
    expect(versions[1]).toMatchObject({ parent: { number: 1, epoch: 2 }, status: "verified", c2: c1("b") });
    expect(versions[1]?.replicas.map(({ server }) => server)).toEqual(["state-replica-1", "state-replica-2"]);
  });

  test("that only replicas know yet are pending, with the verified one before them as parent and without C2", () => {
    const [, second] = mergeVersions([stored(1)], [{ server: "state-replica-1", versions: [held(2, "pending")] }]);
    expect(second).toMatchObject({ status: "pending", c2: null, parent: { number: 1, epoch: 2 } });
  });

  test("show the replica whose bytes differ", () => {
    const [version] = mergeVersions(
      [stored(1)],
      [
        { server: "state-replica-1", versions: [held(1, "verified")] },
        { server: "state-replica-2", versions: [held(1, "verified", c1("f"))] },
      ],
    );
    expect(version?.replicas).toEqual([
      { server: "state-replica-1", c1: c1("a") },
      { server: "state-replica-2", c1: c1("f") },
    ]);
  });
});

describe("a quarantined payload", () => {
  const contract = {
    objects: { account: { confidential: [{ field: "holder", visibleTo: "naming-operations" }] } },
  } as unknown as ContractJson;
  const shown = (payload: { bytesBase64: string }): string =>
    Buffer.from(payload.bytesBase64, "base64").toString("utf8");

  test("shows no confidential field unless somebody said why", () => {
    const text = JSON.stringify({ from: 1, lines: [{ holder: "Ada", amount: 2 }] });
    const masked = maskPayload(contract, requestId, text, false);
    expect(shown(masked)).not.toContain("Ada");
    expect(masked.maskedFields).toEqual(["/lines/0/holder"]);
    expect(shown(maskPayload(contract, requestId, text, true))).toBe(text);
  });

  test("that is no JSON is not shown at all unless somebody said why", () => {
    const masked = maskPayload(contract, requestId, "holder=Ada", false);
    expect(shown(masked)).not.toContain("Ada");
    expect(masked.maskedFields).toEqual(["whole payload"]);
  });

  test("is cut at a limit and says so", () => {
    const payload = maskPayload(contract, requestId, JSON.stringify("x".repeat(300_000)), true);
    expect(payload.truncated).toBe(true);
    expect(shown(payload)).toHaveLength(256 * 1024);
  });
});
