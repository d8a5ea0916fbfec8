/**
 * An application's bundle as the servers load it: a folder named by the hash of what is in it. Loading checks every file
 * against the manifest and the manifest against the name, so a node that was given one hash cannot run something else.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ContractJson } from "@redoubt/application";
import { z } from "zod";

/** The files of a bundle besides the manifest. The workers' code is in it, so the hash names exactly what runs. */
export const BUNDLE_FILES = [
  "contract.json",
  "execution.mjs",
  "acceptance.mjs",
  "execution-worker.mjs",
  "execution-watch.cjs",
  "acceptance-worker.mjs",
] as const;
export type BundleFile = (typeof BUNDLE_FILES)[number];

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  title: z.string(),
  version: z.int(),
  hash: digest,
  files: z.strictObject({
    "contract.json": digest,
    "execution.mjs": digest,
    "acceptance.mjs": digest,
    "execution-worker.mjs": digest,
    "execution-watch.cjs": digest,
    "acceptance-worker.mjs": digest,
  }),
});

/** `manifest.json` of a bundle: what it is, and the SHA-256 of every file. */
export type ApplicationManifest = z.output<typeof manifestSchema>;

export interface LoadedApplication {
  /** Content address: 64 hexadecimal digits. The `applicationVersion` of tickets. */
  readonly hash: string;
  readonly directory: string;
  readonly contract: ContractJson;
}

export const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The content address of a bundle: SHA-256 over the names and digests of its files. */
export const bundleHash = (files: Readonly<Record<BundleFile, string>>): string =>
  sha256(BUNDLE_FILES.map((name) => `${name} ${files[name]}\n`).join(""));

/** Throws an error that names the file when the bundle is not what its manifest and its folder's name say. */
export function loadApplication(directory: string): LoadedApplication {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")));
  for (const name of BUNDLE_FILES)
    if (sha256(readFileSync(join(directory, name))) !== manifest.files[name])
      throw new Error(`${join(directory, name)} is not the file its manifest names`);
  const hash = bundleHash(manifest.files);
  if (hash !== manifest.hash || hash !== basename(directory)) throw new Error(`${directory} is not the bundle ${hash}`);
  const contract = JSON.parse(readFileSync(join(directory, "contract.json"), "utf8")) as ContractJson;
  return { hash, directory, contract };
}
