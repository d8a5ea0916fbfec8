/** How audit entries are chained: pure functions, so that a row can be checked by anybody who has the rows. */
import { createHash } from "node:crypto";
import { ByteWriter } from "@redoubt/shared";

/** One administrator action. */
export interface AuditEntryInput {
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly via: string;
  /** `<subject>.<verb>`. */
  readonly action: string;
  readonly subject: string;
  readonly reason: string | null;
  /** Canonical JSON, secrets left out. */
  readonly detail: string;
}

export interface AuditRow extends AuditEntryInput {
  readonly sequence: bigint;
  readonly previousHash: Uint8Array<ArrayBuffer>;
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** The entry "before" the first. */
export const emptyHash = new Uint8Array(32);

const domain = "redoubt audit entry 1";

/** SHA-256 over the length-prefixed fields and the hash of the entry before; 32 bytes. */
export function auditHash(row: Omit<AuditRow, "hash">): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().text(domain).integer(Number(row.sequence)).integer(row.at.getTime());
  writer.text(row.actor).text(row.role).text(row.via).text(row.action).text(row.subject);
  if (row.reason === null) writer.u8(0);
  else writer.u8(1).text(row.reason);
  writer.text(row.detail).bytes(row.previousHash);
  return new Uint8Array(createHash("sha256").update(writer.finish()).digest());
}

/** Why the row does not continue the chain that ends with `previous`; undefined when it does. */
export function auditFault(previous: Pick<AuditRow, "sequence" | "hash">, row: AuditRow): string | undefined {
  const expected = previous.sequence + 1n;
  if (row.sequence !== expected) return `entry ${expected} is missing`;
  if (!isEqual(row.previousHash, previous.hash)) return `entry ${expected} does not follow entry ${previous.sequence}`;
  if (!isEqual(row.hash, auditHash(row))) return `entry ${expected} was changed after it was written`;
  return undefined;
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
