/** Certificates, keys and signatures of the cluster: who a server is on a link, and what it has signed. */
export {
  type CertificateAuthority,
  type CertificateRequest,
  certificateAuthorityExists,
  createCertificateAuthority,
  type IssuedCertificate,
  LEAF_LIFETIME_HOURS_MAX,
  openCertificateAuthority,
} from "./certificate-authority.ts";
export {
  generateEvidenceKeyPair,
  generateLinkKeyPair,
  type KeyPairPem,
  openEvidenceSigner,
  openEvidenceVerifier,
} from "./keys.ts";
export { checkName, type ParsedIdentity, type PeerIdentity, parsePeerIdentity, serverUri } from "./names.ts";
