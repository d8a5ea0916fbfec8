/**
 * Names that may stand in a certificate, and the one form in which they do:
 * spiffe://<cluster>/<component>/<server>, as the only subject alternative name (SPIFFE X509-SVID; REQUIREMENTS.md F).
 */
import type { X509Certificate } from "node:crypto";

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const CLUSTER_NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
/** Node puts quotes around a name that holds anything unusual, and a comma between several: neither can match this. */
const SERVER_URI = /^URI:spiffe:\/\/([a-z0-9.-]+)\/([a-z0-9-]+)\/([a-z0-9-]+)$/;
const CLUSTER_URI = /^URI:spiffe:\/\/([a-z0-9.-]+)$/;

/** Who is at the other end of a link, as its certificate says. */
export interface PeerIdentity {
  readonly component: string;
  readonly server: string;
  /** Serial number of the certificate, upper-case hex: what revocation names. */
  readonly serial: string;
}

/** What a certificate says, or why it says nothing usable. */
export type ParsedIdentity =
  | { readonly ok: true; readonly identity: PeerIdentity; readonly expiresAtMs: number }
  | { readonly ok: false; readonly reason: string };

/** Throws RangeError naming the field unless `name` is 1 … 63 of a-z, 0-9, "-" (for a cluster also "."). */
export function checkName(field: "clusterName" | "component" | "server", name: string): string {
  const pattern = field === "clusterName" ? CLUSTER_NAME : NAME;
  if (!pattern.test(name)) {
    const allowed = `a-z, 0-9 and "-"${field === "clusterName" ? ', "."' : ""}`;
    throw new RangeError(`${field} is ${JSON.stringify(name)}, expected 1 … 63 of ${allowed}`);
  }
  return name;
}

export function serverUri(clusterName: string, component: string, server: string): string {
  return `spiffe://${clusterName}/${component}/${server}`;
}

export function clusterUri(clusterName: string): string {
  return `spiffe://${clusterName}`;
}

/** The cluster that a CA certificate was made for; undefined if it names none. */
export function parseClusterName(certificate: X509Certificate): string | undefined {
  return CLUSTER_URI.exec(certificate.subjectAltName ?? "")?.[1];
}

/**
 * The identity in a peer's certificate. The certificate's chain must have been verified already (the TLS handshake does it);
 * this rejects what a chain alone lets through: no name or several, another cluster's, a CA's.
 */
export function parsePeerIdentity(certificate: X509Certificate, clusterName: string): ParsedIdentity {
  if (certificate.ca) return { ok: false, reason: "the certificate is one of a certificate authority" };
  const names = certificate.subjectAltName ?? "";
  const match = SERVER_URI.exec(names);
  if (match === null) return { ok: false, reason: `expected exactly one spiffe:// name, found ${describe(names)}` };
  const [, cluster, component, server] = match as unknown as [string, string, string, string];
  if (cluster !== clusterName) return { ok: false, reason: `the certificate is of cluster ${cluster}` };
  if (!NAME.test(component) || !NAME.test(server)) return { ok: false, reason: `unusable name ${describe(names)}` };
  const identity = { component, server, serial: certificate.serialNumber };
  return { ok: true, identity, expiresAtMs: Date.parse(certificate.validTo) };
}

/** What a stranger wrote ends up in logs: bounded, and without control characters. */
function describe(text: string): string {
  return text === "" ? "none" : JSON.stringify(text.slice(0, 200));
}
