/** Cluster as a whole: status, nodes, traffic, settings, shut-down. */
import { z } from "zod";
import { change, read, router } from "../trpc.ts";

export const clusterProcedures = router({
  status: read("metadata.read").query(({ ctx }) => ctx.port.status()),
  nodes: read("metadata.read").query(({ ctx }) => ctx.port.nodes()),
  traffic: read("metadata.read").query(({ ctx }) => ctx.port.traffic()),
  settings: read("metadata.read").query(({ ctx }) => ctx.port.settings()),
  mastersCompare: read("metadata.read").query(({ ctx }) => ctx.port.mastersCompare()),
  /** The caller as the manager sees it: for "logged in as" and for hiding what would be refused. */
  whoAmI: read("metadata.read").query(({ ctx }) => ctx.actor),
  shutdown: change("cluster.shutdown", z.object({}).strict(), () => ({ subject: "cluster" })).mutation(({ ctx }) =>
    ctx.port.shutdown(ctx.actor),
  ),
});
