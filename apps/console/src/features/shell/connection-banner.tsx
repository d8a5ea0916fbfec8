"use client";
import { useLive } from "@/live/live-provider";
import { formatDuration, formatTime } from "@/text/format";
import { Banner } from "@/ui/banner";
import { useNow } from "@/ui/clock";

/** A token's renewal cuts the socket for a moment every five minutes; that is nobody's business. */
const shownAfterMs = 1500;

export function ConnectionBanner() {
  const { disconnectedSinceMs } = useLive();
  const nowMs = useNow();
  if (disconnectedSinceMs === null || nowMs === null) return null;
  const goneMs = nowMs - disconnectedSinceMs;
  if (goneMs < shownAfterMs) return null;
  const since = formatTime(new Date(disconnectedSinceMs).toISOString(), nowMs, undefined);
  return (
    <Banner tone="warn" urgent className="mx-4 mt-4 sm:mx-6" title={`Disconnected since ${since}`}>
      What you see is {formatDuration(goneMs)} old at least. Events that happen meanwhile will appear once the
      connection is back.
    </Banner>
  );
}
