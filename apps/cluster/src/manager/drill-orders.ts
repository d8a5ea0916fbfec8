/**
 * What a drill's process and the manager say to each other over the inherited channel (`process.send`). A drill asks; the
 * manager, which was told by an audited order that this drill may run, carries out and answers. The drill judges: its
 * verdict may come only from the events it is sent and from what its own clients saw.
 *
 * The manager names no misbehaviour: it starts `drills/run.js`, and lets one process of a server run an entry file that
 * the drill names.
 */
import type { FeedEvent } from "@redoubt/shared";
import { z } from "zod";
import type { DrillResult } from "../administration/index.ts";

/** First argument of the drill's process, as JSON. */
export interface DrillAssignment {
  readonly drillId: string;
  /** Names in the catalogue with commas between them, or ALL. */
  readonly drill: string;
  readonly data: string;
  readonly clientUrl: string;
  readonly administrationUrl: string;
}

const server = z.string().min(1).max(64);

const orderSchema = z.discriminatedUnion("kind", [
  /** Replaces the server's process by one that runs `entry` (below `drills/`), once, or each time until it is restored. */
  z.object({
    kind: z.literal("replaceServer"),
    server,
    lasting: z.boolean().optional(),
    entry: z
      .string()
      .regex(/^drills\/[a-z0-9-]+\.js( [A-Za-z0-9-]{1,40}){0,2}$/, "expected drills/<name>.js and words"),
  }),
  /** Replaces the server's process by an honest one. */
  z.object({ kind: z.literal("restoreServer"), server }),
  /** Servers that get no work for a while; what they hold goes to others. */
  z.object({ kind: z.literal("drain"), servers: z.array(server).max(64) }),
  z.object({ kind: z.literal("endDrain"), servers: z.array(server).max(64) }),
  /** A client of the drill's own; its key is in the answer. */
  z.object({ kind: z.literal("addClient"), client: z.string().min(1).max(63), roles: z.array(z.string()).max(16) }),
  z.object({ kind: z.literal("revokeClient"), client: z.string().min(1).max(63) }),
  /** Lifts blocks that the drill caused. */
  z.object({ kind: z.literal("unblock"), host: z.string().min(1).max(200) }),
  /** The cluster's status, as administrators see it. */
  z.object({ kind: z.literal("status") }),
]);
export type DrillOrder = z.infer<typeof orderSchema>;

const evidenceSchema = z.object({
  event: z.number(),
  kind: z.string(),
  server: z.string(),
  cause: z.string(),
  requestId: z.string().nullable(),
  reporters: z.array(z.string()),
  changeDigests: z.array(z.string()),
  measured: z.string().optional(),
});

const resultSchema = z.object({
  drill: z.string(),
  title: z.string(),
  detected: z.boolean(),
  by: z.string().nullable(),
  evidence: evidenceSchema.nullable(),
  detectedInMs: z.number().nullable(),
  containedInMs: z.number().nullable(),
  wrongReplyReleased: z.number(),
  bystandersHarmed: z.number(),
  requests: z.number(),
  verdict: z.enum(["detected", "survived", "failed", "open"]),
});

/** Drill → manager. */
export const fromDrillSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("order"), id: z.number().int(), order: orderSchema }),
  /** Of one drill; several may follow. */
  z.object({ kind: z.literal("result"), result: resultSchema }),
  z.object({ kind: z.literal("done") }),
  z.object({ kind: z.literal("failed"), error: z.string().max(2_000) }),
]);
export type FromDrill = z.infer<typeof fromDrillSchema>;

/** Manager → drill. Events are those of the feed since the drill was started, in order. */
export type ToDrill =
  | { readonly kind: "event"; readonly event: FeedEvent }
  | { readonly kind: "answer"; readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly ok: false; readonly error: string };

export type { DrillResult };
