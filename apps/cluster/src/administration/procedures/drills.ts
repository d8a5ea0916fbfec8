/** Drills: start one misbehaviour in the running cluster and read what was seen of it. */
import { z } from "zod";
import { identifierInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const startInput = z.object({
  drill: z.string().regex(/^[A-Z][0-9]{1,3}$/, "expected the name of a drill, such as A1 or F3"),
});

export const drillProcedures = router({
  start: change("drill.start", startInput, ({ drill }) => ({ subject: drill })).mutation(({ ctx, input }) =>
    ctx.port.drillStart(input, ctx.actor),
  ),
  result: read("metadata.read")
    .input(z.object({ drillId: identifierInput }))
    .query(({ ctx, input }) => ctx.port.drillResult(input.drillId)),
});
