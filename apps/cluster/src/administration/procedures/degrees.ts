/** Replication degrees: look, plan (changes nothing), apply a saved plan, stop, plan the way back. */
import { z } from "zod";
import { componentInput, identifierInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const planInput = z.object({
  component: componentInput,
  unit: z.enum(["count", "faults"]),
  target: z.int("expected a whole number").min(0, "expected 0 or more").max(64, "expected at most 64"),
});
const applyInput = z.object({ planId: identifierInput, version: identifierInput });
const changeInput = z.object({ changeId: identifierInput });

export const degreeProcedures = router({
  list: read("metadata.read").query(({ ctx }) => ctx.port.degrees()),
  plan: read("degree.plan")
    .input(planInput)
    .mutation(({ ctx, input }) => ctx.port.planDegree(input, ctx.actor)),
  applyPlan: change("degree.apply", applyInput, ({ planId }) => ({ subject: planId })).mutation(({ ctx, input }) =>
    ctx.port.applyDegree(input, ctx.actor),
  ),
  stop: change("degree.apply", changeInput, ({ changeId }) => ({ subject: changeId })).mutation(({ ctx, input }) =>
    ctx.port.stopDegree(input, ctx.actor),
  ),
  rollback: read("degree.plan")
    .input(changeInput)
    .mutation(({ ctx, input }) => ctx.port.rollbackDegree(input, ctx.actor)),
});
