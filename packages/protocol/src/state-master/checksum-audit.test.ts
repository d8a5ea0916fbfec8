import type { ChecksumsMessage } from "@redoubt/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { digestOf, HOLDER, MEMBERS, requestIdOf, versionOf, writeOf } from "./changes.test-support.ts";
import { ChecksumAudit } from "./checksum-audit.ts";
import { MasterContext } from "./context.ts";
import { createMetadataState } from "./metadata-state.ts";
import type { VersionRow } from "./types.ts";

const REPLICA = MEMBERS[0] as string;

let context: MasterContext;
let audit: ChecksumAudit;
beforeEach(() => {
  context = new MasterContext(createMetadataState(nodeHasher), () => 0);
  audit = new ChecksumAudit(context);
});

const c2Of = (object: string, number: number) => digestOf(`C2 of ${object} ${number}`);

/** A slot verified the next version of an object. */
function verified(object: string, number: number): void {
  const slot = context.applied + 1;
  const { epoch, c1 } = versionOf(object, number, 1);
  const c2 = c2Of(object, number);
  const requestId = requestIdOf(`${object} ${number}`);
  const changeDigest = digestOf(`change ${object} ${number}`);
  context.state.heads.set(object, { number, epoch, c1, c2, slot });
  context.applied = slot;
  const row: VersionRow = {
    ...{ object, number, epoch, c1, c2, requestId, changeDigest, attempt: 1, executionServer: HOLDER },
    ...{ parent: writeOf(object, number, 1).parent, testers: [], previousSlot: 0 },
  };
  audit.applied(slot, [row]);
}

const entry = (object: string, number: number, c2 = c2Of(object, number)) => ({ object, number, c2 });
const message = (wish: Partial<ChecksumsMessage>): ChecksumsMessage => ({
  ...{ kind: "checksums", identity: "journal", pass: 1, since: context.applied, entries: [] },
  ...wish,
});
const endOf = (objects: number) => ({ objects, appliedThrough: context.applied });
const differing = () =>
  context.takeSends().flatMap(({ message: sent }) => (sent.kind === "checksumsDiffer" ? sent.entries : []));

describe("a pass over a replica's checksums", () => {
  beforeEach(() => {
    verified("account/1", 1);
    verified("account/2", 1);
    verified("account/1", 2);
  });

  test("is whole when every object is as the masters verified it", () => {
    const entries = [entry("account/1", 2), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ entries, end: endOf(2) }))).toEqual({
      identity: "journal",
      appliedThrough: 3,
    });
    expect(differing()).toEqual([]);
  });

  test("may come in many messages", () => {
    expect(audit.take(REPLICA, message({ entries: [entry("account/1", 2)] }))).toBeUndefined();
    const last = message({ entries: [entry("account/2", 1)], end: endOf(2) });
    expect(audit.take(REPLICA, last)).toBeDefined();
  });

  test("may name a version that is no longer the newest", () => {
    const entries = [entry("account/1", 1), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ entries, end: endOf(2) }))).toBeDefined();
  });

  test("is not whole with one other C2, and the replica is told what is right", () => {
    const entries = [entry("account/1", 2, digestOf("rotten")), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ entries, end: endOf(2) }))).toBeUndefined();
    expect(differing()).toEqual([entry("account/1", 2)]);
  });

  test("is not whole with a version that was never verified", () => {
    const entries = [entry("account/1", 3), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ entries, end: endOf(2) }))).toBeUndefined();
  });

  test("is not whole when a message was lost or an object is missing", () => {
    expect(audit.take(REPLICA, message({ entries: [entry("account/1", 2)], end: endOf(2) }))).toBeUndefined();
    expect(audit.take(REPLICA, message({ pass: 2, entries: [entry("account/1", 2)], end: endOf(1) }))).toBeUndefined();
  });

  test("may lack objects that were made after it began", () => {
    const since = context.applied;
    verified("account/3", 1);
    const entries = [entry("account/1", 2), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ since, entries, end: endOf(2) }))).toBeDefined();
  });

  test("is begun anew by another pass, another journal, and counts for its sender alone", () => {
    audit.take(REPLICA, message({ entries: [entry("account/1", 2)] }));
    const last = { entries: [entry("account/2", 1)], end: endOf(2) };
    expect(audit.take(REPLICA, message({ pass: 2, ...last }))).toBeUndefined();
    audit.take(REPLICA, message({ pass: 3, entries: [entry("account/1", 2)] }));
    expect(audit.take(REPLICA, message({ pass: 3, identity: "another", ...last }))).toBeUndefined();
    audit.take(REPLICA, message({ pass: 4, entries: [entry("account/1", 2)] }));
    expect(audit.take(MEMBERS[1] as string, message({ pass: 4, ...last }))).toBeUndefined();
  });

  test("that claims to have begun in the future counts for nothing", () => {
    const entries = [entry("account/1", 2), entry("account/2", 1)];
    expect(audit.take(REPLICA, message({ since: 99, entries, end: endOf(2) }))).toBeUndefined();
  });
});
