import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestPostgres, startTimeoutMs, type TestPostgres } from "../testing/test-postgres.ts";
import { type AuthClient, AuthReader, createAuthClient } from "./index.ts";

let postgres: TestPostgres;
let client: AuthClient;
let reader: AuthReader;

const now = new Date("2026-01-02T03:04:05.678Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

beforeAll(async () => {
  postgres = await startTestPostgres();
  client = createAuthClient(await postgres.database("auth"));
  reader = new AuthReader(client);
}, startTimeoutMs);

afterAll(async () => {
  await client.$disconnect();
  await postgres.stop();
}, startTimeoutMs);

async function logIn(id: string, fields: { role?: string; banned?: boolean; banExpires?: Date }): Promise<void> {
  await client.user.create({ data: { id, name: id, email: `${id}@example.org`, ...fields } });
  await client.session.create({
    data: { id: `session-${id}`, token: `token-${id}`, userId: id, expiresAt: later(300) },
  });
}

test("a session is found by token or id with the person's roles, until it expires or is deleted", async () => {
  await logIn("ada", { role: "admin,auditor" });
  const expected = { sessionId: "session-ada", userId: "ada", email: "ada@example.org", roles: ["admin", "auditor"] };
  expect(await reader.findSession("token-ada", now)).toMatchObject(expected);
  expect(await reader.findSessionById("session-ada", now)).toMatchObject(expected);
  expect(await reader.findSession("token-ada", later(300))).toBeNull();
  expect(await reader.findSession("guessed", now)).toBeNull();
  await client.session.delete({ where: { token: "token-ada" } });
  expect(await reader.findSessionById("session-ada", now)).toBeNull();
});

test("a banned person has no session while the ban lasts", async () => {
  await logIn("ben", { banned: true });
  await logIn("eve", { banned: true, banExpires: later(60) });
  expect(await reader.findSession("token-ben", now)).toBeNull();
  expect(await reader.findSession("token-eve", now)).toBeNull();
  expect(await reader.findSession("token-eve", later(61))).toMatchObject({ userId: "eve", roles: [] });
});

test("public keys are read without the private ones, newest first", async () => {
  const key = { privateKey: "secret", alg: "EdDSA" };
  await client.jwks.create({ data: { ...key, id: "k1", publicKey: '{"kty":"OKP","x":"1"}', createdAt: now } });
  await client.jwks.create({ data: { ...key, id: "k2", publicKey: '{"kty":"OKP","x":"2"}', createdAt: later(1) } });
  expect(await reader.verificationKeys()).toEqual([
    { id: "k2", publicKey: '{"kty":"OKP","x":"2"}', algorithm: "EdDSA", expiresAt: null },
    { id: "k1", publicKey: '{"kty":"OKP","x":"1"}', algorithm: "EdDSA", expiresAt: null },
  ]);
});
