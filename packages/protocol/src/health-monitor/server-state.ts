/**
 * What the configuration manager believes of one server, from two witnesses: the node agent's process detector, which
 * knows at once when a process ends, and the server's own reports, which also stop when it hangs or is cut off (R88).
 * Pure; what follows from a verdict is decided elsewhere.
 */
import type { ServerReport, ServerState } from "@redoubt/shared";
import { livenessAfter } from "./failure-detector.ts";

export interface ServerEvidence {
  /** The node agent's newest report; undefined before the first. */
  readonly report: Pick<ServerReport, "state" | "lastExit"> | undefined;
  /** True when this very process was ordered to be discarded. */
  readonly discarded: boolean;
  /** The process's own newest report; undefined before its first. */
  readonly health: { readonly ready: boolean; readonly silentMs: number; readonly periodMs: number } | undefined;
  /** Since the process was started, as far as the observer has watched. */
  readonly runningMs: number;
}

export interface ServerVerdict {
  readonly state: ServerState;
  /** One sentence for people. */
  readonly cause: string;
}

/** A process that has not reported by then will not get ready by itself. */
const START_LIMIT_MS = 60_000;

export function judgeServer({ report, discarded, health, runningMs }: ServerEvidence): ServerVerdict {
  if (report === undefined) return { state: "unknown", cause: "its node agent has not reported yet" };
  if (report.state === "exited")
    return { state: "down", cause: `its process ended: ${report.lastExit?.cause ?? "cause unknown"}` };
  if (report.state === "stopped") return { state: "down", cause: "stopped by order of the configuration manager" };
  if (discarded) return { state: "discarded", cause: "given no more work, its certificate is revoked" };
  if (report.state === "isolated") return { state: "discarded", cause: "isolated: frozen for forensics" };
  if (report.state === "starting") return { state: "starting", cause: "its process is being started" };
  if (health === undefined) {
    return runningMs < START_LIMIT_MS
      ? { state: "starting", cause: "its process runs and has not reported yet" }
      : { state: "down", cause: `its process runs but has not reported within ${START_LIMIT_MS / 1000} s` };
  }
  const liveness = livenessAfter(health.silentMs, health.periodMs);
  if (liveness === "up") {
    return health.ready
      ? { state: "up", cause: "reports regularly" }
      : { state: "starting", cause: "reports that it is not ready yet" };
  }
  const seconds = (health.silentMs / 1000).toFixed(1);
  return { state: liveness, cause: `silent for ${seconds} s although its process runs` };
}
