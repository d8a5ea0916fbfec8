/** What the cluster remembers of requests: one request's way, the logs L1, L2, L3. Metadata only. */
import { z } from "zod";
import { limitInput, requestIdInput } from "../inputs.ts";
import { read, router } from "../trpc.ts";

export const requestProcedures = router({
  show: read("metadata.read")
    .input(z.object({ requestId: requestIdInput }))
    .query(({ ctx, input }) => ctx.port.requestShow(input.requestId)),
  log: read("metadata.read")
    .input(z.object({ log: z.enum(["L1", "L2", "L3"]), limit: limitInput, before: z.int().positive().optional() }))
    .query(({ ctx, input }) => ctx.port.log(input)),
});
