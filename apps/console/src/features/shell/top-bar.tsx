"use client";
import { createAuthClient } from "better-auth/react";
import { CircleUserRound, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "next-themes";
import { useLive } from "@/live/live-provider";
import type { Person } from "@/server/session";
import { formatTime } from "@/text/format";
import { useHydrated, useNow } from "@/ui/clock";
import { Menu } from "@/ui/menu";
import { Status } from "@/ui/status";
import { FindBox } from "./find-box";

const authClient = createAuthClient();

export function TopBar({ person }: { person: Person }) {
  return (
    <header className="flex h-12 items-center justify-between gap-4 border-line border-b px-4 sm:px-6">
      <LiveStatus />
      <FindBox />
      <div className="flex items-center gap-1">
        <ThemeMenu />
        <Menu
          label="Your account"
          trigger={
            <>
              <CircleUserRound aria-hidden className="size-4" />
              <span className="hidden sm:inline">{person.email}</span>
            </>
          }
          header={
            <>
              <span className="block font-medium text-ink">{person.name}</span>
              {person.email}
              <span className="block">Role: {person.role}</span>
            </>
          }
          items={[{ label: "Log out", icon: <LogOut aria-hidden className="size-4" />, onSelect: () => void logOut() }]}
        />
      </div>
    </header>
  );
}

async function logOut() {
  await authClient.signOut();
  window.location.assign("/login");
}

function LiveStatus() {
  const { status, events } = useLive();
  const nowMs = useNow();
  if (status === "live") {
    const newest = events[0];
    return (
      <span className="flex items-center gap-3">
        <Status tone="good">Live</Status>
        <span className="hidden text-ink-faint text-xs sm:inline">
          {nowMs === null ? "" : formatTime(new Date(nowMs).toISOString(), nowMs, undefined)}
          {newest !== undefined && ` · event ${newest.number}`}
        </span>
      </span>
    );
  }
  return <Status tone="idle">{status === "connecting" ? "Connecting…" : "Disconnected"}</Status>;
}

function ThemeMenu() {
  const { resolvedTheme, setTheme } = useTheme();
  const hydrated = useHydrated();
  const Icon = hydrated && resolvedTheme === "dark" ? Moon : Sun;
  return (
    <Menu
      label="Theme"
      trigger={<Icon aria-hidden className="size-4" />}
      items={[
        { label: "Light", icon: <Sun aria-hidden className="size-4" />, onSelect: () => setTheme("light") },
        { label: "Dark", icon: <Moon aria-hidden className="size-4" />, onSelect: () => setTheme("dark") },
        { label: "System", icon: <Monitor aria-hidden className="size-4" />, onSelect: () => setTheme("system") },
      ]}
    />
  );
}
