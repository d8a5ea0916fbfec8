/** Single servers: ended by an administrator and kept so, for maintenance or to rehearse a failure, and started again. */
import { z } from "zod";
import { nameInput, reasonInput } from "../inputs.ts";
import { change, router } from "../trpc.ts";

const endInput = z.object({
  server: nameInput,
  /** SIGKILL instead of an orderly end. */
  kill: z.boolean().default(false),
  /** Also when fewer servers are left than are needed. */
  force: z.boolean().default(false),
  reason: reasonInput,
});
const startInput = z.object({ server: nameInput, reason: reasonInput });

export const serverProcedures = router({
  end: change("server.end", endInput, ({ server, reason }) => ({ subject: server, reason })).mutation(
    ({ ctx, input }) => ctx.port.serverEnd(input, ctx.actor),
  ),
  start: change("server.end", startInput, ({ server, reason }) => ({ subject: server, reason })).mutation(
    ({ ctx, input }) => ctx.port.serverStart(input, ctx.actor),
  ),
});
