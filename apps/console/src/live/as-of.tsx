"use client";
import { useNow } from "../ui/clock";
import { Status } from "../ui/status";
import { Ago } from "../ui/time";
import { isStale } from "./freshness";

/** "as of …", or that it is stale. Whoever shows it also greys what it belongs to (useStale). */
export function AsOf({ iso }: { iso: string }) {
  const stale = useStale(iso);
  if (stale) {
    return (
      <Status tone="idle">
        stale, as of <Ago iso={iso} />
      </Status>
    );
  }
  return (
    <span>
      as of <Ago iso={iso} />
    </span>
  );
}

export function useStale(asOf: string): boolean {
  return isStale(asOf, useNow());
}
