/** Alert subscriptions and their deliveries. Everybody manages their own; administrators see everybody's. */
import { type FeedEventKind, feedEventSchema, feedSeveritySchema } from "@redoubt/shared";
import { TRPCError } from "@trpc/server";
import { z } from "zod";
import { identifierInput, limitInput } from "../inputs.ts";
import { isAllowed } from "../permissions.ts";
import type { Actor, AdministrationPort } from "../port.ts";
import { change, read, router } from "../trpc.ts";

const kinds: ReadonlySet<string> = new Set(feedEventSchema.options.map((option) => option.shape.kind.value));
const kindInput = z.custom<FeedEventKind>(
  (value) => typeof value === "string" && kinds.has(value),
  "expected the name of an event such as quarantine.added",
);
const address = {
  email: z.email("expected an e-mail address").max(254),
  webhook: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }).max(2000),
};
const common = { minimumSeverity: feedSeveritySchema, kinds: z.array(kindInput).max(40).default([]) };
const addInput = z.discriminatedUnion("channel", [
  z.object({ channel: z.literal("email"), address: address.email, ...common }),
  z.object({ channel: z.literal("webhook"), address: address.webhook, ...common }),
]);
const oneInput = z.object({ subscriptionId: identifierInput });
const verifyInput = oneInput.extend({
  code: z
    .string()
    .trim()
    .regex(/^[0-9]{6,10}$/, "expected the digits of the code that was sent"),
});

function ownerSeenBy(actor: Actor): string | null {
  return isAllowed(actor.role, "subscription.all") ? null : actor.name;
}

/** Refuses as "not found", so that nobody learns which subscriptions others have. */
async function requireOwn(port: AdministrationPort, actor: Actor, subscriptionId: string): Promise<void> {
  const visible = await port.subscriptions(ownerSeenBy(actor));
  if (!visible.some((subscription) => subscription.subscriptionId === subscriptionId)) {
    throw new TRPCError({ code: "NOT_FOUND", message: "subscriptionId: no such subscription" });
  }
}

const ofOne = (input: { subscriptionId: string }) => ({ subject: input.subscriptionId });

export const subscriptionProcedures = router({
  list: read("subscription.own").query(({ ctx }) => ctx.port.subscriptions(ownerSeenBy(ctx.actor))),
  add: change("subscription.own", addInput, (input) => ({ subject: input.address })).mutation(({ ctx, input }) =>
    ctx.port.subscriptionAdd(input, ctx.actor),
  ),
  verify: change("subscription.own", verifyInput, ofOne).mutation(async ({ ctx, input }) => {
    await requireOwn(ctx.port, ctx.actor, input.subscriptionId);
    return ctx.port.subscriptionVerify(input, ctx.actor);
  }),
  remove: change("subscription.own", oneInput, ofOne).mutation(async ({ ctx, input }) => {
    await requireOwn(ctx.port, ctx.actor, input.subscriptionId);
    return ctx.port.subscriptionRemove(input, ctx.actor);
  }),
  testSend: change("subscription.own", oneInput, ofOne).mutation(async ({ ctx, input }) => {
    await requireOwn(ctx.port, ctx.actor, input.subscriptionId);
    return ctx.port.subscriptionTestSend(input, ctx.actor);
  }),
  deliveries: read("subscription.own")
    .input(z.object({ limit: limitInput }))
    .query(({ ctx, input }) => ctx.port.deliveries({ owner: ownerSeenBy(ctx.actor), limit: input.limit })),
});
