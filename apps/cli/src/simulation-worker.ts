/** Thread that runs the seeds it is sent. */
import { createHash, createHmac } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { Digest } from "@redoubt/shared";
import { type AdversaryMix, runSeed } from "@redoubt/simulator";

const hasher = {
  sha256: (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex") as Digest,
  hmac: (keyHex: string, digest: Digest) =>
    createHmac("sha256", Buffer.from(keyHex, "hex")).update(Buffer.from(digest, "hex")).digest("hex") as Digest,
};

parentPort?.on("message", ({ seed, adversaries }: { seed: number; adversaries: AdversaryMix }) =>
  parentPort?.postMessage(runSeed(seed, hasher, { adversaries })),
);
