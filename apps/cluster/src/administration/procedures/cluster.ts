/** Cluster as a whole: status, nodes, traffic, settings, shut-down. */
import { z } from "zod";
import { limitInput } from "../inputs.ts";
import { maySeeEvent, permissionsOf } from "../permissions.ts";
import { change, read, router } from "../trpc.ts";

export const clusterProcedures = router({
  status: read("metadata.read").query(({ ctx }) => ctx.port.status()),
  nodes: read("metadata.read").query(({ ctx }) => ctx.port.nodes()),
  traffic: read("metadata.read").query(({ ctx }) => ctx.port.traffic()),
  /** The newest events, newest first, and where the feed stands: where a page's live subscription goes on from. */
  events: read("metadata.read")
    .input(z.object({ limit: limitInput }))
    .query(async ({ ctx, input }) => {
      const { latest } = ctx.feed;
      const events = await ctx.feed.since(Math.max(0, latest - input.limit), input.limit);
      return { latest, events: events.filter(({ kind }) => maySeeEvent(ctx.actor.role, kind)).reverse() };
    }),
  settings: read("metadata.read").query(({ ctx }) => ctx.port.settings()),
  /** The caller as the manager sees it, and what it may do: for hiding what would be refused. */
  whoAmI: read("metadata.read").query(({ ctx }) => ({ ...ctx.actor, permissions: permissionsOf(ctx.actor.role) })),
  shutdown: change("cluster.shutdown", z.object({}).strict(), () => ({ subject: "cluster" })).mutation(({ ctx }) =>
    ctx.port.shutdown(ctx.actor),
  ),
});
