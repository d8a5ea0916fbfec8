/**
 * The cluster's certificate authority: one P-256 key in DATA/ca that says who is who on the links between servers.
 *
 * Whoever reads its key can be any server, so the file is for its owner alone and opening refuses one that is not.
 * It issues short-lived certificates and keeps no list of them: revocation is the configuration manager's.
 */
import "reflect-metadata";
import { createPrivateKey, X509Certificate as NodeCertificate, randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { generateLinkKeyPair, parseLinkPublicKey } from "./keys.ts";
import { checkName, clusterUri, parseClusterName, serverUri } from "./names.ts";

const KEY_FILE = "key.pem";
const CERTIFICATE_FILE = "certificate.pem";
const HOUR_MS = 3_600_000;
const AUTHORITY_LIFETIME_YEARS = 10;
/** Clocks of two hosts may differ a little; a certificate is valid from a little before it was asked for. */
const BACKDATE_MS = 300_000;
export const LEAF_LIFETIME_HOURS_MAX = 24;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const LEAF_EXTENSIONS = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
];

/** What a certificate is asked for. */
export interface CertificateRequest {
  readonly component: string;
  readonly server: string;
  /** P-256 public key, SPKI in PEM form. */
  readonly publicKeyPem: string;
  /** At most 24; default 24. */
  readonly lifetimeHours?: number;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** Upper-case hex, as a peer's certificate shows it. */
  readonly serial: string;
  readonly expiresAt: Date;
}

export interface CertificateAuthority {
  readonly clusterName: string;
  readonly certificatePem: string;
  /** Throws RangeError naming the field that is wrong. */
  issueCertificate(request: CertificateRequest): Promise<IssuedCertificate>;
}

/** 16 bytes whose first is 0x40 … 0x7f: positive, and the same text however it is printed. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] as number) & 0x3f);
  return bytes.toString("hex").toUpperCase();
}

function importSigningKey(privateKeyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

async function publicKeyOf(publicKeyPem: string): Promise<x509.PublicKey> {
  return new x509.PublicKey(parseLinkPublicKey(publicKeyPem).export({ type: "spki", format: "der" }));
}

export function certificateAuthorityExists(directory: string): boolean {
  return existsSync(join(directory, CERTIFICATE_FILE));
}

/** Makes a new authority in `directory` (made if missing, 0700). Throws if there is one already. */
export async function createCertificateAuthority(
  directory: string,
  clusterName: string,
): Promise<CertificateAuthority> {
  checkName("clusterName", clusterName);
  if (certificateAuthorityExists(directory))
    throw new Error(`there is a certificate authority in ${directory} already`);
  const { privateKeyPem, publicKeyPem } = await generateLinkKeyPair();
  const publicKey = await publicKeyOf(publicKeyPem);
  const notBefore = new Date(Date.now() - BACKDATE_MS);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + AUTHORITY_LIFETIME_YEARS);
  const name = `CN=Redoubt cluster ${clusterName}`;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(),
      subject: name,
      issuer: name,
      notBefore,
      notAfter,
      publicKey,
      signingKey: await importSigningKey(privateKeyPem),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.SubjectAlternativeNameExtension([{ type: "url", value: clusterUri(clusterName) }]),
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // The certificate comes last: as long as it is missing, a key left by a crash has signed nothing and may be replaced.
  writeAtomically(join(directory, KEY_FILE), privateKeyPem, 0o600);
  writeAtomically(join(directory, CERTIFICATE_FILE), certificate.toString("pem"), 0o644);
  return openCertificateAuthority(directory);
}

function writeAtomically(path: string, text: string, mode: number): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode, flush: true });
  renameSync(draft, path);
}

/** Opens the authority in `directory`. Throws if a file is missing, the two do not belong together, or others may read the key. */
export async function openCertificateAuthority(directory: string): Promise<CertificateAuthority> {
  const keyPath = join(directory, KEY_FILE);
  const certificatePem = readFileSync(join(directory, CERTIFICATE_FILE), "utf8");
  const mode = statSync(keyPath).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Error(
      `${keyPath} may be used by others (mode ${mode.toString(8)}); expected 600: the cluster's keys may be known`,
    );
  }
  const privateKeyPem = readFileSync(keyPath, "utf8");
  const parsed = new NodeCertificate(certificatePem);
  const clusterName = parseClusterName(parsed);
  if (clusterName === undefined || !parsed.ca)
    throw new Error(`${directory} holds no certificate of a cluster's authority`);
  if (!parsed.checkPrivateKey(createPrivateKey(privateKeyPem))) {
    throw new Error(`${keyPath} is not the key of the certificate beside it`);
  }
  const signingKey = await importSigningKey(privateKeyPem);
  const authority = new x509.X509Certificate(certificatePem);
  const authorityKey = await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey, false, webcrypto);
  return {
    clusterName,
    certificatePem,
    issueCertificate: (request) => issue(request, clusterName, authority.subject, signingKey, authorityKey),
  };
}

async function issue(
  request: CertificateRequest,
  clusterName: string,
  issuer: string,
  signingKey: webcrypto.CryptoKey,
  authorityKey: x509.Extension,
): Promise<IssuedCertificate> {
  const { lifetimeHours = LEAF_LIFETIME_HOURS_MAX } = request;
  const component = checkName("component", request.component);
  const server = checkName("server", request.server);
  if (!(lifetimeHours > 0 && lifetimeHours <= LEAF_LIFETIME_HOURS_MAX)) {
    throw new RangeError(
      `lifetimeHours is ${lifetimeHours}, expected more than 0 and at most ${LEAF_LIFETIME_HOURS_MAX}`,
    );
  }
  const now = Date.now();
  // Never valid for more than a day in all, back-dating included. Certificates count whole seconds.
  const expiresAtMs =
    Math.floor(Math.min(now + lifetimeHours * HOUR_MS, now - BACKDATE_MS + LEAF_LIFETIME_HOURS_MAX * HOUR_MS) / 1000) *
    1000;
  const serial = newSerial();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial,
      subject: `CN=${server}`,
      issuer,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(expiresAtMs),
      publicKey: await publicKeyOf(request.publicKeyPem),
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        ...LEAF_EXTENSIONS,
        new x509.SubjectAlternativeNameExtension([{ type: "url", value: serverUri(clusterName, component, server) }]),
        authorityKey,
      ],
    },
    webcrypto,
  );
  return { certificatePem: certificate.toString("pem"), serial, expiresAt: new Date(expiresAtMs) };
}
