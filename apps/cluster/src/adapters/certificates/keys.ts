/**
 * Key pairs: P-256 for links (TLS), Ed25519 for evidence (PROTOCOL.md §3).
 *
 * An evidence signature costs about 250 µs, so its caller signs one digest for a batch; this file only signs and verifies.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair as generate,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";

const generateAsync = promisify(generate);

/** A key pair as PEM text: PKCS#8 and SPKI. */
export interface KeyPairPem {
  readonly privateKeyPem: string;
  readonly publicKeyPem: string;
}

function toPem({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): KeyPairPem {
  return {
    privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

/** A new P-256 key pair for links. */
export async function generateLinkKeyPair(): Promise<KeyPairPem> {
  return toPem(await generateAsync("ec", { namedCurve: "P-256" }));
}

/** A new Ed25519 key pair for evidence. */
export async function generateEvidenceKeyPair(): Promise<KeyPairPem> {
  return toPem(await generateAsync("ed25519"));
}

/** Parses our own key once; throws if it is no Ed25519 private key. */
export function openEvidenceSigner(privateKeyPem: string): (evidence: Uint8Array) => Buffer {
  const key = createPrivateKey(privateKeyPem);
  if (key.asymmetricKeyType !== "ed25519") throw new Error("privateKeyPem holds no Ed25519 key");
  return (evidence) => sign(null, evidence, key);
}

/**
 * Parses a peer's key once. Undefined if it is no Ed25519 public key; the verifier returned never throws, whatever it is given.
 */
export function openEvidenceVerifier(
  publicKeyPem: string,
): ((evidence: Uint8Array, signature: Uint8Array) => boolean) | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey(publicKeyPem);
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyType !== "ed25519") return undefined;
  return (evidence, signature) => signature.length === 64 && verify(null, evidence, key, signature);
}

/** Parses the public key that asks for a certificate; throws if it is no P-256 key. */
export function parseLinkPublicKey(publicKeyPem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(publicKeyPem);
  } catch (cause) {
    throw new RangeError("publicKeyPem is no public key in PEM form", { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new RangeError(`publicKeyPem holds a key of type ${key.asymmetricKeyType}, expected P-256`);
  }
  return key;
}
