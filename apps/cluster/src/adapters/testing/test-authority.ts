/**
 * A cluster's authority and servers' identities for tests of links, and certificates that no honest authority issues.
 */
import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../certificates/certificate-authority.ts";
import { generateLinkKeyPair } from "../certificates/index.ts";

/** A server's certificate with its key. */
export type TestIdentity = Omit<IssuedCertificate, "expiresAt"> & { readonly privateKeyPem: string };

export interface TestAuthority {
  readonly authority: CertificateAuthority;
  readonly certificatePem: string;
  identity(component: string, server: string, lifetimeHours?: number): Promise<TestIdentity>;
  /** A certificate with any names, or one of an authority, signed with the cluster's key. */
  irregularIdentity(names: string[], isAuthority?: boolean): Promise<TestIdentity>;
}

/** Makes an authority in a folder of its own. */
export async function createTestAuthority(directory: string, clusterName = "test"): Promise<TestAuthority> {
  const authority = await createCertificateAuthority(directory, clusterName);
  return {
    authority,
    certificatePem: authority.certificatePem,
    async identity(component, server, lifetimeHours = 1) {
      const { privateKeyPem, publicKeyPem } = await generateLinkKeyPair();
      const issued = await authority.issueCertificate({ component, server, publicKeyPem, lifetimeHours });
      return { ...issued, privateKeyPem };
    },
    irregularIdentity: (names, isAuthority = false) => issueIrregular(directory, authority, names, isAuthority),
  };
}

async function issueIrregular(
  directory: string,
  authority: CertificateAuthority,
  names: string[],
  isAuthority: boolean,
): Promise<TestIdentity> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
  const { privateKeyPem, publicKeyPem } = await generateLinkKeyPair();
  const authorityKey = createPrivateKey(readFileSync(join(directory, "key.pem"), "utf8"));
  const der = authorityKey.export({ type: "pkcs8", format: "der" });
  const serial = "41".repeat(16);
  const alternativeNames = names.map((value) => ({ type: value.includes(":") ? "url" : "dns", value }) as const);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial,
      subject: "CN=irregular",
      issuer: new x509.X509Certificate(authority.certificatePem).subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      publicKey: new x509.PublicKey(createPublicKey(publicKeyPem).export({ type: "spki", format: "der" })),
      signingKey: await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]),
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(isAuthority, undefined, true),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternativeNames)] : []),
      ],
    },
    webcrypto,
  );
  return { certificatePem: certificate.toString("pem"), serial, privateKeyPem };
}
