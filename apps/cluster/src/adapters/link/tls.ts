/**
 * How every link uses TLS: version 1.3 only, certificates from both sides, the cluster's authority the only one believed, no resumption.
 *
 * Resuming a session would skip the certificate, and with it revocation and expiry.
 */
import { constants } from "node:crypto";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { type ParsedIdentity, parsePeerIdentity } from "../certificates/index.ts";
import type { Revocations } from "./revocations.ts";

/** This server's own certificate with its key, and the authority it believes. */
export interface LinkIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The certificate of the cluster's authority. */
  readonly authorityPem: string;
}

/** Node clamps longer timers to 1 ms; links live shorter anyway. */
const TIMER_MS_MAX = 0x7fff_ffff;

export function secureContextOptions(identity: LinkIdentity): SecureContextOptions {
  return {
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
    ca: identity.authorityPem,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Who is at the other end of an established connection; not ok also for a revoked certificate. */
export function identifyPeer(socket: TLSSocket, clusterName: string, revocations: Revocations): ParsedIdentity {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { ok: false, reason: "the peer showed no certificate" };
  const parsed = parsePeerIdentity(certificate, clusterName);
  if (parsed.ok && revocations.has(parsed.identity.serial)) {
    return { ok: false, reason: `the certificate ${parsed.identity.serial} is revoked` };
  }
  return parsed;
}

/** Calls `close` when a certificate expires: a connection must not outlive what it rests on. Returns the function that calls it off. */
export function closeAtExpiry(expiresAtMs: number, close: () => void): () => void {
  const timer = setTimeout(close, Math.min(TIMER_MS_MAX, Math.max(0, expiresAtMs - Date.now())));
  timer.unref();
  return () => clearTimeout(timer);
}
