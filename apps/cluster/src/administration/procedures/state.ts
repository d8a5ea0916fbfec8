/** The state explorer and the masters: objects, versions, where they are kept, and whether that is whole. Metadata only. */
import { z } from "zod";
import { limitInput, nameInput, objectInput, requestIdInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const timeInput = z.iso.datetime({ error: "expected a time in UTC, such as 2026-03-01T12:00:00Z" });
/** Places in pages are the manager's own words; they only come back. */
const placeInput = z.string().regex(/^\d{1,16}(\.\d{1,16}){0,2}$/, "expected a place that an answer gave");

export const stateProcedures = router({
  list: read("metadata.read")
    .input(
      z.object({
        prefix: z.string().max(512, "expected at most 512 characters").default(""),
        after: z.string().max(512, "expected at most 512 characters").optional(),
        limit: limitInput,
      }),
    )
    .query(({ ctx, input }) => ctx.port.stateList(input)),
  show: read("metadata.read")
    .input(
      z.object({
        object: objectInput,
        before: placeInput.optional(),
        limit: z.int().min(1, "expected at least 1").max(200, "expected at most 200").default(50),
      }),
    )
    .query(({ ctx, input }) => ctx.port.stateShow(input)),
  versions: read("metadata.read")
    .input(
      z.object({
        requestId: requestIdInput.optional(),
        executionServer: nameInput.optional(),
        from: timeInput.optional(),
        to: timeInput.optional(),
        before: placeInput.optional(),
        limit: limitInput,
      }),
    )
    .query(({ ctx, input }) => ctx.port.stateVersions(input)),
  /** Damages a replica's disk on purpose: clusters of one machine only. */
  corrupt: change("state.corrupt", z.object({ server: nameInput, object: objectInput }), ({ server, object }) => ({
    subject: `${object} on ${server}`,
  })).mutation(({ ctx, input }) => ctx.port.stateCorrupt(input)),
  placement: read("metadata.read").query(({ ctx }) => ctx.port.placement()),
});

export const masterProcedures = router({
  status: read("metadata.read").query(({ ctx }) => ctx.port.mastersStatus()),
  compare: read("metadata.read").query(({ ctx }) => ctx.port.mastersCompare()),
});
