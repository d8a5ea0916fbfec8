/**
 * Names that travel between components. Digests and ids are lower-case hexadecimal text of 64 digits: text makes cheap
 * map keys in the cores; the wire codec packs it to 32 bytes.
 */
declare const brand: unique symbol;
export type Brand<Base, Name extends string> = Base & {
  readonly [brand]: Name;
};

/** SHA-256 digest, 64 lower-case hexadecimal digits. */
export type Digest = Brand<string, "Digest">;
/** SHA-256(client id ‖ key ‖ input digest) (PROTOCOL §1), 64 lower-case hexadecimal digits. */
export type RequestId = Brand<string, "RequestId">;
/** Name of one server process's place in the cluster: `<component>-<n>`. */
export type ServerName = string;
/** Number of an object cluster, 0 … {@link OBJECT_CLUSTERS} − 1. */
export type ObjectClusterNumber = number;
/** Paxos slot of the command that opened the epoch; the fencing token of PROTOCOL §1. */
export type Epoch = number;
/** Paxos slot number, 1 for the first. */
export type Slot = number;

export const OBJECT_CLUSTERS = 1024;

/** The digest of "nothing": C1 of an object that does not exist, head of an empty chain. */
export const ZERO_DIGEST = "0".repeat(64) as Digest;

const HEX_64 = /^[0-9a-f]{64}$/;

export const isDigest = (text: unknown): text is Digest => typeof text === "string" && HEX_64.test(text);
export const isRequestId = (text: unknown): text is RequestId => typeof text === "string" && HEX_64.test(text);
