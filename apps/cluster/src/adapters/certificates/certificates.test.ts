import { X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { createCertificateAuthority, openCertificateAuthority } from "./certificate-authority.ts";
import {
  generateEvidenceKeyPair,
  generateLinkKeyPair,
  openEvidenceSigner,
  openEvidenceVerifier,
  parsePeerIdentity,
} from "./index.ts";

let scratch: TemporaryDirectory;
let directory: string;

beforeEach(() => {
  scratch = temporaryDirectory();
  directory = join(scratch.path, "ca");
});

afterEach(() => scratch.remove());

describe("certificate authority", () => {
  it("is the same after opening again, keeps its key to its owner, and is valid for ten years", async () => {
    const created = await createCertificateAuthority(directory, "redoubt.local");
    const opened = await openCertificateAuthority(directory);
    expect(opened.certificatePem).toBe(created.certificatePem);
    expect(opened.clusterName).toBe("redoubt.local");
    expect(statSync(join(directory, "key.pem")).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(opened.certificatePem);
    expect(certificate.ca).toBe(true);
    const years = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / (365.25 * 86_400_000);
    expect(years).toBeCloseTo(10, 1);
  });

  it("is never replaced by creating it again", async () => {
    await createCertificateAuthority(directory, "one");
    await expect(createCertificateAuthority(directory, "two")).rejects.toThrow("already");
  });

  it("refuses to open with a key that others may read, or with another authority's key", async () => {
    await createCertificateAuthority(directory, "one");
    chmodSync(join(directory, "key.pem"), 0o640);
    await expect(openCertificateAuthority(directory)).rejects.toThrow("mode 640");
    const other = join(scratch.path, "other");
    await createCertificateAuthority(other, "one");
    chmodSync(join(directory, "key.pem"), 0o600);
    copyFileSync(join(other, "key.pem"), join(directory, "key.pem"));
    await expect(openCertificateAuthority(directory)).rejects.toThrow("not the key");
  });

  it("issues a certificate that chains to it and names exactly one server of one component", async () => {
    const authority = await createCertificateAuthority(directory, "one");
    const { publicKeyPem } = await generateLinkKeyPair();
    const request = { component: "state-replica", server: "state-replica-2", publicKeyPem, lifetimeHours: 1 };
    const issued = await authority.issueCertificate(request);
    const certificate = new X509Certificate(issued.certificatePem);
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.subjectAltName).toBe("URI:spiffe://one/state-replica/state-replica-2");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(Date.parse(certificate.validTo)).toBe(issued.expiresAt.getTime());
    expect(parsePeerIdentity(certificate, "one")).toEqual({
      ok: true,
      identity: { component: "state-replica", server: "state-replica-2", serial: issued.serial },
      expiresAtMs: issued.expiresAt.getTime(),
    });
  });

  it("never issues a certificate for more than 24 hours, back-dating included, and never the same serial twice", async () => {
    const authority = await createCertificateAuthority(directory, "one");
    const { publicKeyPem } = await generateLinkKeyPair();
    const request = { component: "node-agent", server: "node-1", publicKeyPem };
    const first = await authority.issueCertificate(request);
    const second = await authority.issueCertificate(request);
    expect(first.serial).not.toBe(second.serial);
    const certificate = new X509Certificate(first.certificatePem);
    const hours = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 3_600_000;
    expect(hours).toBeLessThanOrEqual(24);
    expect(hours).toBeGreaterThan(23.9);
  });

  it("refuses wrong requests, naming the field", async () => {
    const authority = await createCertificateAuthority(directory, "one");
    const { publicKeyPem } = await generateLinkKeyPair();
    const request = { component: "node-agent", server: "node-1", publicKeyPem };
    const wrong = [
      [{ component: "node/agent" }, /^component is "node\/agent", expected/],
      [{ server: "a, URI:spiffe://one/state-master/x" }, /^server is /],
      [{ lifetimeHours: 25 }, /^lifetimeHours is 25/],
      [{ lifetimeHours: Number.NaN }, /^lifetimeHours is NaN/],
      [{ publicKeyPem: "none" }, /^publicKeyPem is no public key/],
      [{ publicKeyPem: (await generateEvidenceKeyPair()).publicKeyPem }, /^publicKeyPem holds a key of type ed25519/],
    ] as const;
    for (const [change, message] of wrong) {
      await expect(authority.issueCertificate({ ...request, ...change })).rejects.toThrow(message);
    }
    await expect(createCertificateAuthority(join(scratch.path, "x"), "Big Name")).rejects.toThrow(/^clusterName is/);
  });
});

describe("parsePeerIdentity", () => {
  it("rejects no name, several names, other kinds of names, other clusters and authorities, saying why", async () => {
    const { irregularIdentity } = await createTestAuthority(directory);
    const good = "spiffe://test/state-replica/state-replica-1";
    const cases = [
      [[], false, "found none"],
      [[good, "spiffe://test/state-master/state-master-1"], false, "expected exactly one"],
      [[good, "example.org"], false, "expected exactly one"],
      [["example.org"], false, "expected exactly one"],
      [["spiffe://test/state-replica"], false, "expected exactly one"],
      [[`${good}/more`], false, "expected exactly one"],
      [["spiffe://test/state-replica/Name"], false, "expected exactly one"],
      [["spiffe://test/state-replica/-"], false, "unusable name"],
      [[`${good}, URI:spiffe://test/state-master/state-master-1`], false, "expected exactly one"],
      [["spiffe://other/state-replica/state-replica-1"], false, "of cluster other"],
      [[good], true, "certificate authority"],
    ] as const;
    for (const [names, isAuthority, reason] of cases) {
      const { certificatePem } = await irregularIdentity([...names], isAuthority);
      const parsed = parsePeerIdentity(new X509Certificate(certificatePem), "test");
      expect(parsed).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    }
  });
});

describe("evidence signatures", () => {
  it("verify for the bytes and key they were made with, and for nothing else", async () => {
    const pair = await generateEvidenceKeyPair();
    const sign = openEvidenceSigner(pair.privateKeyPem);
    const verify = openEvidenceVerifier(pair.publicKeyPem);
    const other = openEvidenceVerifier((await generateEvidenceKeyPair()).publicKeyPem);
    const evidence = Buffer.from("digest of a batch");
    const signature = sign(evidence);
    expect(verify?.(evidence, signature)).toBe(true);
    expect(verify?.(Buffer.from("another batch"), signature)).toBe(false);
    expect(other?.(evidence, signature)).toBe(false);
  });

  it("are rejected without an error when signature or key are garbage", async () => {
    const pair = await generateEvidenceKeyPair();
    const verify = openEvidenceVerifier(pair.publicKeyPem);
    expect(verify?.(Buffer.from("x"), Buffer.alloc(0))).toBe(false);
    expect(verify?.(Buffer.from("x"), Buffer.alloc(64))).toBe(false);
    expect(openEvidenceVerifier("garbage")).toBeUndefined();
    expect(openEvidenceVerifier((await generateLinkKeyPair()).publicKeyPem)).toBeUndefined();
  });
});
