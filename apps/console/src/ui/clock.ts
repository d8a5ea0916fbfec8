/**
 * One clock for the page. The server and the first paint know neither the reader's time zone nor the time at which they look, so
 * both hooks start with "not known" and fill in right after hydration: nothing jumps, nothing mismatches.
 */
"use client";
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let nowMs = 0;
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    nowMs = Date.now();
    timer = setInterval(() => {
      nowMs = Date.now();
      for (const each of listeners) each();
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** Milliseconds since 1970, once a second; null before hydration. */
export function useNow(): number | null {
  return useSyncExternalStore(
    subscribe,
    () => (nowMs === 0 ? null : nowMs),
    () => null,
  );
}

const never = () => () => undefined;

/** False on the server and for the first paint. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}
