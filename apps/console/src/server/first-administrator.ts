/**
 * Makes the first administrator from the environment when nobody can log in at all, so that a fresh cluster can be entered. Does
 * nothing once anybody can: the environment can neither reset a password nor add a person later. A process that dies between the
 * person and the password leaves nobody able to log in, and the next start finishes the work.
 */
import { environment } from "../env";
import { auth } from "./auth";

export async function ensureFirstAdministrator(): Promise<void> {
  const { REDOUBT_ADMIN_EMAIL: email, REDOUBT_ADMIN_PASSWORD: password } = environment();
  if (email === undefined || password === undefined) return;
  const { adapter, internalAdapter, password: passwords } = await auth().$context;
  if ((await adapter.count({ model: "account" })) > 0) return;
  const known = await internalAdapter.findUserByEmail(email);
  const person = { email, name: "Administrator", emailVerified: true, role: "admin" };
  const user = known?.user ?? (await internalAdapter.createUser(person, { method: "admin" }));
  const hashed = await passwords.hash(password);
  await internalAdapter.linkAccount({
    userId: user.id,
    providerId: "credential",
    accountId: user.id,
    password: hashed,
  });
}
