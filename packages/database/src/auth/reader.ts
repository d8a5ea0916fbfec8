/**
 * What the configuration manager reads from the log-in database: the public keys that console tokens are signed with,
 * and whether a session still stands before a destructive action. It never writes here; better-auth does.
 */
import type { AuthClient } from "./client.ts";

/** Public half of a key pair of better-auth's jwt plugin. */
export interface VerificationKey {
  readonly id: string;
  /** JSON Web Key as JSON text. */
  readonly publicKey: string;
  /** Null: the plugin's default algorithm (EdDSA). */
  readonly algorithm: string | null;
  readonly expiresAt: Date | null;
}

/** The person behind a session that is valid now. */
export interface SessionUser {
  readonly sessionId: string;
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  /** Roles in the order in which they are stored; empty for a person without any. */
  readonly roles: readonly string[];
  readonly expiresAt: Date;
  readonly impersonatedBy: string | null;
}

const sessionFields = {
  id: true,
  userId: true,
  expiresAt: true,
  impersonatedBy: true,
  user: { select: { name: true, email: true, role: true, banned: true, banExpires: true } },
} as const;

export class AuthReader {
  readonly #client: AuthClient;

  constructor(client: AuthClient) {
    this.#client = client;
  }

  /** Every key, newest first; expired ones too, because tokens signed just before may still be in flight. */
  async verificationKeys(): Promise<VerificationKey[]> {
    const rows = await this.#client.jwks.findMany({
      orderBy: { createdAt: "desc" },
      select: { id: true, publicKey: true, alg: true, expiresAt: true },
    });
    return rows.map(({ id, publicKey, alg, expiresAt }) => ({ id, publicKey, algorithm: alg, expiresAt }));
  }

  /** By the token in the browser's cookie (without its signature). Null: no such session, expired, or user banned. */
  async findSession(token: string, now: Date): Promise<SessionUser | null> {
    return validSession(await this.#client.session.findUnique({ where: { token }, select: sessionFields }), now);
  }

  /** By the session's id, as a console token may carry it. */
  async findSessionById(id: string, now: Date): Promise<SessionUser | null> {
    return validSession(await this.#client.session.findUnique({ where: { id }, select: sessionFields }), now);
  }
}

interface SessionRow {
  readonly id: string;
  readonly userId: string;
  readonly expiresAt: Date;
  readonly impersonatedBy: string | null;
  readonly user: {
    readonly name: string;
    readonly email: string;
    readonly role: string | null;
    readonly banned: boolean | null;
    readonly banExpires: Date | null;
  };
}

function validSession(row: SessionRow | null, now: Date): SessionUser | null {
  if (row === null || row.expiresAt <= now) return null;
  const { user } = row;
  if (user.banned === true && (user.banExpires === null || user.banExpires > now)) return null;
  const roles = (user.role ?? "").split(",").map((role) => role.trim());
  return {
    sessionId: row.id,
    userId: row.userId,
    name: user.name,
    email: user.email,
    roles: roles.filter((role) => role !== ""),
    expiresAt: row.expiresAt,
    impersonatedBy: row.impersonatedBy,
  };
}
