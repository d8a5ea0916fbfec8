import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { LoginPanel } from "@/features/login/login-panel";
import { currentPerson } from "@/server/session";

export const metadata: Metadata = { title: "Log in" };

export default async function LoginPage() {
  const person = await currentPerson().catch(() => null);
  if (person !== null) redirect("/");
  return <LoginPanel />;
}
