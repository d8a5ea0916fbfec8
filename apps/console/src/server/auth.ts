/**
 * Log-in: e-mail and password over better-auth, sessions in the log-in database, and five-minute tokens for the manager.
 *
 * Sign-up is closed; people are made by an administrator. The tokens carry the role and the session's id and are signed with keys
 * whose public halves the manager reads, so the manager trusts no cookie and no header of ours.
 */
import { createAuthClient } from "@redoubt/database/auth";
import { betterAuth } from "better-auth";
import { prismaAdapter } from "better-auth/adapters/prisma";
import { APIError, createAuthMiddleware } from "better-auth/api";
import { createAccessControl } from "better-auth/plugins/access";
import { admin } from "better-auth/plugins/admin";
import { adminAc, defaultStatements, userAc } from "better-auth/plugins/admin/access";
import { jwt } from "better-auth/plugins/jwt";
import { environment } from "../env";
import { FailureGuard } from "./failure-guard";
import { ownOrigins } from "./origins";

/** Fixed in both ends: apps/cluster/src/administration/authentication.ts demands the same. */
const tokenIssuer = "redoubt-console";
const tokenAudience = "redoubt-administration";
const sessionSeconds = 12 * 60 * 60;

const accessControl = createAccessControl(defaultStatements);
const ordinary = accessControl.newRole(userAc.statements);
const people = {
  viewer: ordinary,
  operator: ordinary,
  reviewer: ordinary,
  approver: ordinary,
  auditor: ordinary,
  admin: accessControl.newRole(adminAc.statements),
};

/** Per e-mail address, whether or not anybody has it. */
const signInGuard = new FailureGuard({ failuresMax: 10, windowMs: 5 * 60_000, namesMax: 10_000 });

function signInName(path: string, body: unknown): string | null {
  if (path !== "/sign-in/email" || typeof body !== "object" || body === null || !("email" in body)) return null;
  return String(body.email).trim().toLowerCase().slice(0, 254);
}

const beforeSignIn = createAuthMiddleware(async ({ path, body }) => {
  const name = signInName(path, body);
  if (name !== null && signInGuard.waitMs(name, Date.now()) > 0) {
    throw new APIError("TOO_MANY_REQUESTS", { message: "Too many attempts for this address." });
  }
});

const afterSignIn = createAuthMiddleware(async ({ path, body, context }) => {
  const name = signInName(path, body);
  if (name === null) return;
  if (context.returned instanceof APIError) signInGuard.failed(name, Date.now());
  else signInGuard.succeeded(name);
});

function create() {
  const { AUTH_DATABASE_URL, BETTER_AUTH_SECRET, BETTER_AUTH_URL } = environment();
  const url = new URL(BETTER_AUTH_URL);
  const secure = url.protocol === "https:";
  return betterAuth({
    appName: "Redoubt",
    baseURL: url.origin,
    trustedOrigins: ownOrigins(BETTER_AUTH_URL),
    secret: BETTER_AUTH_SECRET,
    database: prismaAdapter(createAuthClient(AUTH_DATABASE_URL), { provider: "postgresql" }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12, autoSignIn: false },
    session: { expiresIn: sessionSeconds, updateAge: sessionSeconds / 4 },
    rateLimit: {
      enabled: true,
      storage: "database",
      window: 60,
      max: 600,
      customRules: { "/sign-in/email": { window: 60, max: 20 } },
    },
    hooks: { before: beforeSignIn, after: afterSignIn },
    telemetry: { enabled: false },
    advanced: {
      // Cookies ignore ports: two clusters on one machine would otherwise log each other out.
      cookiePrefix: `redoubt-${url.port === "" ? "default" : url.port}`,
      useSecureCookies: secure,
      // Lax, so that the link in an alert opens the page it names; changes from elsewhere are stopped by their origin (proxy.ts).
      defaultCookieAttributes: { sameSite: "lax", httpOnly: true, secure },
    },
    plugins: [
      admin({ ac: accessControl, roles: people, defaultRole: "viewer", adminRoles: ["admin"] }),
      jwt({
        jwks: { rotationInterval: 30 * 24 * 60 * 60, gracePeriod: 24 * 60 * 60 },
        jwt: {
          issuer: tokenIssuer,
          audience: tokenAudience,
          expirationTime: "5m",
          definePayload: ({ user, session }) => ({
            email: user.email,
            name: user.name,
            role: typeof user.role === "string" ? user.role : "viewer",
            sid: session.id,
          }),
        },
      }),
    ],
  });
}

export type Auth = ReturnType<typeof create>;
let instance: Auth | null = null;

/** One per process, made at first use because the environment is not there while building. */
export function auth(): Auth {
  instance ??= create();
  return instance;
}

/** The manager's token for whoever sent these headers; null when nobody is logged in. */
export async function managerToken(headers: Headers): Promise<string | null> {
  if (!headers.has("cookie")) return null;
  try {
    return (await auth().api.getToken({ headers })).token;
  } catch (error) {
    if (isUnauthorized(error)) return null;
    throw error;
  }
}

function isUnauthorized(error: unknown): boolean {
  return typeof error === "object" && error !== null && "status" in error && error.status === "UNAUTHORIZED";
}
