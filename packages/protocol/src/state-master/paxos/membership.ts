/** Who votes: seats held by journals, not by servers. Pure functions; the argument why changes are safe is in ADR 0011. */
import {
  FIRST_IDENTITY,
  type MasterMembership,
  type MasterSeat,
  NO_VOTE,
  type PaxosEntry,
  type ServerName,
  type Slot,
} from "@redoubt/shared";
import { majority } from "../../quorum.ts";
import { compareBallots } from "./ballot.ts";

export const firstMembership = (servers: readonly ServerName[]): MasterMembership => ({
  seats: servers.map((server, seat) => ({ server, identity: FIRST_IDENTITY, seat })),
  nextSeat: servers.length,
});

/** Undefined for a server that is no member, or not under this identity. */
export const seatOf = (
  { seats }: MasterMembership,
  server: ServerName,
  identity: string | undefined,
): MasterSeat | undefined =>
  seats.find((seat) => seat.server === server && seat.identity === (identity ?? FIRST_IDENTITY));

export const isSeated = ({ seats }: MasterMembership, server: ServerName): boolean =>
  seats.some((seat) => seat.server === server);

export const quorumOf = ({ seats }: MasterMembership): number => majority(seats.length);

/** The same members but this server under another journal, with a seat nobody ever had. */
export function withSeat(masters: MasterMembership, server: ServerName, identity: string): MasterMembership {
  const seat = { server, identity, seat: masters.nextSeat };
  const others = masters.seats.filter((other) => other.server !== server);
  return { seats: [...others, seat], nextSeat: masters.nextSeat + 1 };
}

export const withoutServer = (masters: MasterMembership, server: ServerName): MasterMembership => ({
  seats: masters.seats.filter((seat) => seat.server !== server),
  nextSeat: masters.nextSeat,
});

export const isIdentity = (identity: string | undefined): identity is string =>
  identity !== undefined && identity !== NO_VOTE;

/**
 * How far entries collected by a candidate may be proposed again under the membership it knows: through the first new
 * membership among them, since what follows is for the new members to decide. An entry behind it that was proposed
 * under the old membership by a later ballot proves that this new membership was never decided: its slot is empty then.
 */
export function cutAtMembership<Command>(
  recovered: Map<Slot, PaxosEntry<Command>>,
  barrier: Slot,
): { readonly through: Slot; readonly refuted: ReadonlySet<Slot> } {
  const refuted = new Set<Slot>();
  const changes = [...recovered.values()].filter(({ masters }) => masters).sort((a, b) => a.slot - b.slot);
  for (const change of changes) {
    const isRefuted = [...recovered.values()].some(
      (entry) =>
        entry.slot > change.slot && (entry.under ?? 0) < change.slot && compareBallots(entry.ballot, change.ballot) > 0,
    );
    if (!isRefuted) return { through: change.slot, refuted };
    refuted.add(change.slot);
  }
  return { through: barrier, refuted };
}
