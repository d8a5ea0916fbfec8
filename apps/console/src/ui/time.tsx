"use client";
import { formatAgo, formatTime, formatUtc } from "../text/format";
import { classes } from "./classes";
import { useHydrated, useNow } from "./clock";

/** A moment in the reader's time zone; UTC on hover. Before hydration it shows UTC and says so. */
export function Time({ iso, className }: { iso: string; className?: string }) {
  const hydrated = useHydrated();
  const nowMs = useNow();
  return (
    <time dateTime={iso} title={formatUtc(iso)} className={classes("whitespace-nowrap", className)}>
      {hydrated ? formatTime(iso, nowMs, undefined) : `${formatTime(iso, null, "UTC")} UTC`}
    </time>
  );
}

/** How long ago; the moment itself on hover. */
export function Ago({ iso, className }: { iso: string; className?: string }) {
  const nowMs = useNow();
  return (
    <time dateTime={iso} title={formatUtc(iso)} className={classes("whitespace-nowrap", className)}>
      {nowMs === null ? `${formatTime(iso, null, "UTC")} UTC` : formatAgo(iso, nowMs)}
    </time>
  );
}
