/** What the cluster remembers: versions of objects, one request's way, the logs L1, L2, L3. Metadata only. */
import { z } from "zod";
import { limitInput, objectInput, requestIdInput } from "../inputs.ts";
import { read, router } from "../trpc.ts";

export const stateProcedures = router({
  list: read("metadata.read")
    .input(z.object({ prefix: z.string().max(512).default(""), limit: limitInput }))
    .query(({ ctx, input }) => ctx.port.stateList(input)),
  show: read("metadata.read")
    .input(z.object({ object: objectInput }))
    .query(({ ctx, input }) => ctx.port.stateShow(input.object)),
});

export const requestProcedures = router({
  show: read("metadata.read")
    .input(z.object({ requestId: requestIdInput }))
    .query(({ ctx, input }) => ctx.port.requestShow(input.requestId)),
  log: read("metadata.read")
    .input(z.object({ log: z.enum(["L1", "L2", "L3"]), limit: limitInput, before: z.int().positive().optional() }))
    .query(({ ctx, input }) => ctx.port.log(input)),
});
