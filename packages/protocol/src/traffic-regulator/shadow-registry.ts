/** The shadow runs that wait, run, and came to nothing: bookkeeping only, few at a time. */
import type { ExecutionFailedMessage, ServerName, ShadowRunMessage } from "@redoubt/shared";
import type { ShadowVote } from "./attribution.ts";
import type { PendingRequest } from "./request.ts";

export interface ShadowRun {
  readonly run: string;
  readonly request: PendingRequest;
  readonly server: ServerName;
  readonly incarnation: string;
  /** Nothing else runs in that process meanwhile. */
  readonly isProcessAlone: boolean;
  readonly startedAt: number;
  readonly testers: readonly ServerName[];
  readonly needed: number;
  readonly votes: Map<ServerName, ShadowVote>;
  failure: ExecutionFailedMessage["reason"] | undefined;
  /** As it was sent, to be sent again while nothing is heard of it. */
  readonly order: ShadowRunMessage;
  againAt: number;
  deadlineAt: number;
}

export class ShadowRuns {
  readonly queue = new Set<PendingRequest>();
  readonly active = new Map<string, ShadowRun>();
  /** How often it came to nothing, and when it is tried again. */
  readonly inconclusive = new Map<PendingRequest, { readonly times: number; readonly notBefore: number }>();
  /** Processes whose shadow run of the request failed: evidence against it, or against them if another one passes. */
  readonly accusers = new Map<PendingRequest, { server: ServerName; incarnation: string }[]>();

  /** Since when there has been no process left to ask. */
  readonly stuckSince = new Map<PendingRequest, number>();

  /** Runs at this server now. */
  at(server: ServerName): number {
    let count = 0;
    for (const run of this.active.values()) if (run.server === server) count++;
    return count;
  }

  /** Servers that must be left alone while such a run is there. */
  get processesAlone(): ServerName[] {
    return [...this.active.values()].filter((run) => run.isProcessAlone).map(({ server }) => server);
  }

  activeOf(principal: string): number {
    let count = 0;
    for (const { request } of this.active.values()) if (request.record.clientId === principal) count++;
    return count;
  }

  queuedOf(principal: string): number {
    let count = 0;
    for (const request of this.queue) if (request.record.clientId === principal) count++;
    return count;
  }

  drop(request: PendingRequest): void {
    this.queue.delete(request);
    this.inconclusive.delete(request);
    this.accusers.delete(request);
    this.stuckSince.delete(request);
    for (const [name, run] of this.active) if (run.request === request) this.active.delete(name);
  }
}
