/**
 * The membership a node agent keeps on disk: what it starts after a power cut without asking anybody (PROTOCOL §12).
 * Only a membership that the manager's key signed counts.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type MembershipMessage, membershipText } from "@redoubt/shared";
import { openEvidenceSigner, openEvidenceVerifier } from "../adapters/certificates/index.ts";

export function signMembership(
  membership: Omit<MembershipMessage, "signature">,
  privateKeyPem: string,
): MembershipMessage {
  const signature = openEvidenceSigner(privateKeyPem)(Buffer.from(membershipText(membership))).toString("hex");
  return { ...membership, signature };
}

export function isSignedMembership(membership: MembershipMessage, publicKeyPem: string): boolean {
  const verify = openEvidenceVerifier(publicKeyPem);
  return verify?.(Buffer.from(membershipText(membership)), Buffer.from(membership.signature, "hex")) ?? false;
}

export function writeMembership(file: string, membership: MembershipMessage): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(membership), { flush: true });
  renameSync(draft, file);
}

/** Undefined when there is none; throws when the file is not what the manager signed. */
export function readMembership(file: string, publicKeyPem: string): MembershipMessage | undefined {
  if (!existsSync(file)) return undefined;
  const membership = JSON.parse(readFileSync(file, "utf8")) as MembershipMessage;
  if (!isSignedMembership(membership, publicKeyPem))
    throw new Error(`${file} is not signed by the configuration manager`);
  return membership;
}
