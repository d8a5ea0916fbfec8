/** Making known to the members the keys with which they check this regulator's tickets (PROTOCOL §2). */
import type { AskTicketKeyMessage, ServerName } from "@redoubt/shared";
import { isPrimary, type Regulator, sendTo } from "./context.ts";

/** A member that asks more often than it needs to is not answered more often. */
const KEY_SPACING_MS = 50;

/** To every member there is or was: tickets of this regulator's epoch can be checked from now on. */
export function sendTicketKeys(regulator: Regulator): void {
  if (!isPrimary(regulator)) return;
  for (const member of membersOf(regulator)) sendTicketKey(regulator, member);
}

/** A member that started again, or was away when the keys were sent. */
export function onKeyAsked(regulator: Regulator, member: ServerName, { regulatorEpoch }: AskTicketKeyMessage): void {
  if (!isPrimary(regulator) || regulatorEpoch !== regulator.epoch || !membersOf(regulator).has(member)) return;
  const sentAt = regulator.keySentAt.get(member) ?? Number.NEGATIVE_INFINITY;
  if (regulator.now - sentAt >= KEY_SPACING_MS) sendTicketKey(regulator, member);
}

function membersOf({ wanted, placement }: Regulator): ReadonlySet<ServerName> {
  const members = new Set(wanted?.members ?? []);
  for (const domain of placement.domains) for (const member of domain.members) members.add(member);
  return members;
}

export function sendTicketKey(regulator: Regulator, member: ServerName): void {
  regulator.keySentAt.set(member, regulator.now);
  const key = regulator.keys.of(member);
  sendTo(regulator, "state-replica", member, { kind: "ticketKey", regulatorEpoch: regulator.epoch, key });
}
