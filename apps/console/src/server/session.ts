/** Who is logged in, for pages. Each page asks (through the layout); nothing relies on the proxy having looked. */
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { auth } from "./auth";

export interface Person {
  name: string;
  email: string;
  role: string;
}

/** Null when nobody is logged in. @throws when the log-in database cannot be asked */
export const currentPerson = cache(async (): Promise<Person | null> => {
  const session = await auth().api.getSession({ headers: await headers() });
  if (session === null) return null;
  const { name, email, role } = session.user;
  return { name, email, role: typeof role === "string" ? role : "viewer" };
});

export async function requirePerson(): Promise<Person> {
  return (await currentPerson()) ?? redirect("/login");
}
