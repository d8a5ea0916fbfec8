/**
 * Certificates, keys and signatures of the cluster: who a server is on a link, and what it has signed. Issuing them is in
 * certificate-authority.ts alone: its libraries take a fifth of a server's start, and only the manager issues any.
 */
export type { CertificateAuthority, CertificateRequest, IssuedCertificate } from "./certificate-authority.ts";
export {
  generateEvidenceKeyPair,
  generateLinkKeyPair,
  type KeyPairPem,
  openEvidenceSigner,
  openEvidenceVerifier,
} from "./keys.ts";
export { checkName, type ParsedIdentity, type PeerIdentity, parsePeerIdentity, serverUri } from "./names.ts";
