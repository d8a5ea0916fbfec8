/** The hasher of tests: Node's own SHA-256 and HMAC. */
import { createHash, createHmac } from "node:crypto";
import type { Hasher } from "@redoubt/protocol";
import type { Digest } from "@redoubt/shared";

export const nodeHasher: Hasher = {
  sha256: (bytes) => createHash("sha256").update(bytes).digest("hex") as Digest,
  hmac: (keyHex, digest) =>
    createHmac("sha256", Buffer.from(keyHex, "hex")).update(Buffer.from(digest, "hex")).digest("hex") as Digest,
};
