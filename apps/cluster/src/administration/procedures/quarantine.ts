/** Quarantined requests: list, evidence, payload (a read with its own permission and audit entry), claim, release, confirm. */
import { quarantineReasonSchema, quarantineStateSchema } from "@redoubt/shared";
import { TRPCError } from "@trpc/server";
import { z } from "zod";
import { limitInput, nameInput, reasonInput, requestIdInput } from "../inputs.ts";
import { isAllowed } from "../permissions.ts";
import { decideRelease } from "../release-policy.ts";
import { change, read, router } from "../trpc.ts";

const listInput = z.object({
  states: z.array(quarantineStateSchema).max(10).optional(),
  reasons: z.array(quarantineReasonSchema).max(20).optional(),
  operation: nameInput.optional(),
  client: nameInput.optional(),
  host: nameInput.optional(),
  limit: limitInput,
  before: requestIdInput.optional(),
});
const itemInput = z.object({ requestId: requestIdInput });
const reasonedInput = itemInput.extend({ reason: reasonInput });
const payloadInput = itemInput.extend({ unmask: z.boolean().default(false), reason: reasonInput.optional() });
const releaseInput = reasonedInput.extend({
  /** Run the request again as well (a held one always is). */
  rerun: z.boolean().default(false),
});

export const quarantineProcedures = router({
  list: read("metadata.read")
    .input(listInput)
    .query(({ ctx, input }) => ctx.port.quarantineList(input)),
  item: read("metadata.read")
    .input(itemInput)
    .query(({ ctx, input }) => ctx.port.quarantineItem(input.requestId)),
  payload: change("payload.unmask", payloadInput, ({ requestId, reason }) => ({ subject: requestId, reason })).mutation(
    ({ ctx, input }) => {
      const unmask = input.unmask || !isAllowed(ctx.actor.role, "payload.read");
      if (unmask && input.reason === undefined) {
        throw new TRPCError({
          code: "BAD_REQUEST",
          message: "reason: expected why you need to read the payload unmasked",
        });
      }
      return ctx.port.quarantinePayload({ requestId: input.requestId, unmask });
    },
  ),
  claim: change("quarantine.claim", itemInput, ({ requestId }) => ({ subject: requestId })).mutation(({ ctx, input }) =>
    ctx.port.quarantineClaim(input, ctx.actor),
  ),
  release: change("quarantine.release", releaseInput, ({ requestId, reason }) => ({
    subject: requestId,
    reason,
  })).mutation(async ({ ctx, input }) => {
    const decision = decideRelease(await ctx.port.quarantineItem(input.requestId), ctx.actor);
    if (decision.kind === "refuse") throw new TRPCError({ code: "FORBIDDEN", message: decision.sentence });
    if (decision.kind === "request-second") return ctx.port.quarantineRequestRelease(input, ctx.actor);
    return ctx.port.quarantineRelease(input, ctx.actor);
  }),
  confirm: change("quarantine.confirm", reasonedInput, ({ requestId, reason }) => ({
    subject: requestId,
    reason,
  })).mutation(({ ctx, input }) => ctx.port.quarantineConfirm(input, ctx.actor)),
});
