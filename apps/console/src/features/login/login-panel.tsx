"use client";
import { createAuthClient } from "better-auth/react";
import { type FormEvent, useState } from "react";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Mark } from "@/ui/mark";
import { FortDrawing } from "./fort-drawing";

const authClient = createAuthClient();

/** Says what to do, never whether the address exists. */
function sentenceFor(status: number): string {
  if (status === 401) return "E-mail address or password is wrong.";
  if (status === 429) return "Too many attempts. Wait a minute, then try again.";
  return "Log-in is not possible at the moment; the cluster itself is not affected.";
}

export function LoginPanel() {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    const { error } = await authClient.signIn
      .email({ email: String(form.get("email")), password: String(form.get("password")) })
      .catch(() => ({ error: { status: 0 } }));
    if (error === null) {
      // A full load, so that the first page is rendered with the new session.
      window.location.assign("/");
      return;
    }
    setBusy(false);
    setProblem(sentenceFor(error.status));
  }

  return (
    <main className="grid min-h-dvh lg:grid-cols-[minmax(420px,5fr)_7fr]">
      <div className="flex flex-col justify-between px-8 py-8 sm:px-14">
        <div className="flex items-center gap-2 font-semibold text-base tracking-tight">
          <Mark className="size-6 text-accent" />
          Redoubt
        </div>
        <form onSubmit={(event) => void submit(event)} className="w-full max-w-[340px]" aria-labelledby="login-heading">
          <h1 id="login-heading" className="font-semibold text-xl tracking-tight">
            Log in to the console
          </h1>
          <p className="mt-1 mb-6 text-ink-soft">Health, degrees and quarantine of one cluster.</p>
          <div className="flex flex-col gap-4">
            {problem !== null && <Banner tone="bad" title={problem} urgent />}
            <TextField label="E-mail" name="email" type="email" autoComplete="username" required autoFocus />
            <TextField label="Password" name="password" type="password" autoComplete="current-password" required />
            <Button type="submit" look="primary" disabled={busy} className="mt-1 w-full">
              {busy ? "Logging in…" : "Log in"}
            </Button>
          </div>
        </form>
        <p className="max-w-[340px] text-ink-faint text-xs">
          Every change made here is recorded in the audit log before it takes effect.
        </p>
      </div>
      <div className="hidden border-line border-l bg-sunken lg:block">
        <FortDrawing />
      </div>
    </main>
  );
}
