/**
 * Certificates live a day and processes longer: whoever keeps a server's identity makes a new one every few hours, and the
 * server takes it up when it finds the file changed. Connections that rest on the old one go on until it ends.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { TLS_FILES } from "./data-layout.ts";

/** A third of a certificate's life: two more tries before it ends. */
const RENEW_AFTER_MS = 8 * 3_600_000;
/** How often keepers look at the age, and servers at the file. */
export const IDENTITY_LOOK_MS = 60_000;
const LAID_DOWN_LOOK_MS = 10;

/** When the certificate in this folder was laid down (ms since 1970); undefined when there is none. */
export const identityTime = (folder: string): number | undefined =>
  statSync(join(folder, TLS_FILES.certificate), { throwIfNoEntry: false })?.mtimeMs;

/** A process starts while its node agent still asks for its certificate, which comes last of the files. */
export async function identityLaidDown(folder: string): Promise<void> {
  while (identityTime(folder) === undefined) await new Promise((resume) => setTimeout(resume, LAID_DOWN_LOOK_MS));
}

export function isIdentityOld(folder: string, now = Date.now()): boolean {
  const laidDownAt = identityTime(folder);
  return laidDownAt !== undefined && now - laidDownAt > RENEW_AFTER_MS;
}
