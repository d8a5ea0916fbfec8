import type { TicketBody } from "@redoubt/shared";

/** Name of the shadow run a ticket is for; nobody can invent another one for it. */
export const shadowRunName = ({ requestId, attempt }: Pick<TicketBody, "requestId" | "attempt">): string =>
  `${requestId}/${attempt}`;
