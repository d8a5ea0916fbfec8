/**
 * Who is calling: a Bearer token that is either a session token of the console (JWT, five minutes, role inside) or the
 * administration token of this machine (`DATA/secrets/admin-token`). A session token is checked against the console's published
 * keys; nothing here can issue one. Cookies are never looked at, so a browser has no ambient authority here.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { type Actor, roles } from "./port.ts";

/** Public keys that sign session tokens. Asked again when a token names an unknown key, at most every few seconds. */
export interface JwksProvider {
  keys(): Promise<JSONWebKeySet>;
}

export interface AuthenticationOptions {
  /** Content of `DATA/secrets/admin-token`. */
  adminToken: string;
  jwks: JwksProvider;
}

/** Fixed in both ends: what the console writes into its tokens and the manager demands. */
export const tokenIssuer = "redoubt-console";
export const tokenAudience = "redoubt-administration";

export interface Session {
  actor: Actor;
  /** Console session behind the token, for revocation; null for the administration token. */
  sessionId: string | null;
  /** Epoch milliseconds; null for the administration token. */
  expiresAtMs: number | null;
}

export type Authenticate = (authorization: string | undefined) => Promise<Session | null>;

const adminTokenLengthMin = 32;
const authorizationLengthMax = 8192;
const refetchIntervalMs = 5_000;
const clockToleranceSeconds = 5;

const payloadSchema = z.object({
  sub: z.string().min(1).max(200),
  email: z.string().min(1).max(254),
  role: z.enum(roles),
  sid: z.string().min(1).max(200),
  exp: z.int().positive(),
});

export function createAuthentication(options: AuthenticationOptions): Authenticate {
  if (options.adminToken.length < adminTokenLengthMin) {
    throw new Error(`administration token: expected at least ${adminTokenLengthMin} characters`);
  }
  const adminDigest = sha256(options.adminToken);
  const verifyKeys = cachedKeys(options.jwks);

  return async (authorization) => {
    if (authorization === undefined || authorization.length > authorizationLengthMax) return null;
    const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) return null;
    // Digests have one length, so the comparison takes the same time for every wrong token.
    if (timingSafeEqual(sha256(token), adminDigest)) {
      return { actor: { name: "local", role: "admin", via: "local" }, sessionId: null, expiresAtMs: null };
    }
    return sessionOf(token, verifyKeys);
  };
}

type KeyLookup = JWTVerifyGetKey;

async function sessionOf(token: string, keys: KeyLookup): Promise<Session | null> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: tokenIssuer,
      audience: tokenAudience,
      algorithms: ["EdDSA", "Ed25519"],
      clockTolerance: clockToleranceSeconds,
    });
    const parsed = payloadSchema.safeParse(payload);
    if (!parsed.success) return null;
    const { email, role, sid, exp } = parsed.data;
    return { actor: { name: email, role, via: "console" }, sessionId: sid, expiresAtMs: exp * 1000 };
  } catch (error) {
    // A token that does not verify is the caller's affair; keys that cannot be read are ours and must show.
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

function cachedKeys(provider: JwksProvider): KeyLookup {
  let current: KeyLookup | null = null;
  let fetchedAtMs = 0;
  return async (header, token) => {
    if (current !== null) {
      try {
        return await current(header, token);
      } catch (error) {
        const unknownKey = error instanceof errors.JWKSNoMatchingKey;
        if (!unknownKey || performance.now() - fetchedAtMs < refetchIntervalMs) throw error;
      }
    }
    current = createLocalJWKSet(await provider.keys());
    fetchedAtMs = performance.now();
    return current(header, token);
  };
}

/** Keys published by the console at `/api/auth/jwks`. */
export function httpJwksProvider(url: () => string, timeoutMs = 3_000): JwksProvider {
  return {
    async keys() {
      const response = await fetch(url(), { signal: AbortSignal.timeout(timeoutMs), redirect: "error" });
      if (!response.ok) throw new Error(`session keys: the console answered ${response.status}`);
      const body: unknown = await response.json();
      return z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) }).parse(body);
    },
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
