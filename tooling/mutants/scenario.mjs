/**
 * What is bundled with a mutant's sources: runs one scenario in a process of its own, until the first seed with a violation,
 * and prints what it found as one JSON line. `node <bundle> <world> <first seed> <last seed>`
 */
import { createHash, createHmac } from "node:crypto";
import { runSeed, WORLDS } from "@redoubt/simulator";

/** @typedef {import("@redoubt/shared").Digest} Digest */

const hasher = {
  /** @param {Uint8Array} bytes */
  sha256: (bytes) => /** @type {Digest} */ (createHash("sha256").update(bytes).digest("hex")),
  /**
   * @param {string} keyHex
   * @param {Digest} digest
   */
  hmac: (keyHex, digest) =>
    /** @type {Digest} */ (
      createHmac("sha256", Buffer.from(keyHex, "hex")).update(Buffer.from(digest, "hex")).digest("hex")
    ),
};

const [world = "", from = "1", through = "1"] = process.argv.slice(2);
const alter = WORLDS[world];
if (!alter) throw new Error(`no world is called ${world}; there are ${Object.keys(WORLDS).join(", ")}`);
let found;
let seed = Number(from);
for (; seed <= Number(through) && !found; seed++) [found] = runSeed(seed, hasher, { alter }).violations;
const detail = found?.detail.split("\n")[0]?.slice(0, 300);
process.stdout.write(`${JSON.stringify({ seeds: seed - Number(from), ...(found ? { ...found, detail } : {}) })}\n`);
