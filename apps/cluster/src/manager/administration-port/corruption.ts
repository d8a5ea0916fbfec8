/**
 * `redoubt state corrupt`: damages one record of one replica's journal behind its back, to see that the scrub finds it,
 * that it is repaired from other members, and that nobody is served from it meanwhile. Only where every node is this
 * machine: the folders of the others are not this process's to write. The audit log has the entry before anything is done.
 */
import { open } from "node:fs/promises";
import { locateRecord } from "../../adapters/journal/index.ts";
import { AdministrationError, type AdministrationPort, type CorruptedRecord } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";

/** Bytes flipped, from the middle of the record. */
const FLIPPED_BYTES = 8;
const FLIP = 0x5a;

export function corruptionPart(parts: PortParts): Pick<AdministrationPort, "stateCorrupt"> {
  return { stateCorrupt: (request) => corrupt(parts, request) };
}

async function corrupt(
  { cluster, membership, state, server: own }: PortParts,
  { server, object }: { server: string; object: string },
): Promise<CorruptedRecord> {
  if (!cluster.nodes.every(({ address }) => address.startsWith("127.")))
    throw new AdministrationError(
      "refused",
      "This cluster is not on one machine; disks are damaged in local ones only.",
    );
  const placed = membership.find(server);
  if (placed?.component !== "state-replica")
    throw new AdministrationError("not-found", `${server} is no state replica of this cluster.`, "server");
  const described = (await state.describe(object)).find((each) => each.server === server);
  if (!described) throw new AdministrationError("unavailable", `${server} does not answer.`, "server");
  const newest = described.versions.findLast(({ record }) => record !== undefined);
  if (newest?.record === undefined)
    throw new AdministrationError("not-found", `${server} has no verified version of ${object}.`, "object");
  const location = await locateRecord(own.layout.journal(placed.node, server), newest.record);
  if (!location)
    throw new AdministrationError(
      "conflict",
      `Record ${newest.record} of ${server} cannot be found, or is damaged already.`,
    );
  const { path, offset, bytes } = location;
  await flip(path, offset + Math.floor(Math.max(0, bytes - FLIPPED_BYTES) / 2), Math.min(FLIPPED_BYTES, bytes));
  const { number: version, record } = newest;
  return { server, object, version, record, path, offset, bytes, at: new Date().toISOString() };
}

async function flip(path: string, position: number, count: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    const bytes = Buffer.alloc(count);
    await file.read(bytes, 0, count, position);
    await file.write(
      bytes.map((byte) => byte ^ FLIP),
      0,
      count,
      position,
    );
    await file.datasync();
  } finally {
    await file.close();
  }
}
