/** Names and titles of everything a drill can bring about (REQUIREMENTS §C, §D), for those who list and order drills. */

export interface DrillTitle {
  readonly name: string;
  readonly title: string;
  /** Why it cannot be judged yet: what it needs is not built. */
  readonly open?: string;
}

const drill = (name: string, title: string, open?: string): DrillTitle => ({ name, title, ...(open ? { open } : {}) });

const EXECUTION: readonly DrillTitle[] = [
  drill("A1", "wrong reply, right state"),
  drill("A2", "right reply, wrong state"),
  drill("A3", "reply and state wrong, and consistent with each other"),
  drill("A4", "another change set for one of the replicas"),
  drill("A5", "change set to at most t replicas"),
  drill("A6", "one change set for t+1 replicas, another for the rest"),
  drill("A7", "an old version overwritten or deleted"),
  drill("A8", "wrong parents, skipped and reused version numbers"),
  drill("A9", "a write of an object that the request does not name"),
  drill("A10", "reads of objects that the request does not name"),
  drill("A11", "objects that were read and not declared"),
  drill("A12", "another client's secret in the reply"),
  drill("A13", "another client's secret in the reply, encoded"),
  drill("A14", "a change of an object that the request may only read"),
  drill("A15", "one object of a declared set left out"),
  drill("A16", "death between the change sets for two replicas"),
  drill("A17", "a reply without its change set"),
  drill("A18", "requests that are taken and never answered"),
  drill("A19", "a worker that spins, takes all memory, starts processes"),
  drill("A20", "a flood of requests that each look right"),
  drill("A21", "a flood of changes without a ticket"),
  drill("A22", "a right reply to several acceptance test servers and several times"),
  drill("A23", "results of requests never dispatched to it"),
  drill("A24", "old changes and old tickets used again"),
  drill("A25", "changes of an epoch that is over"),
  drill("A26", "another execution server's ticket"),
  drill("A27", "a change under another client's request id"),
  drill("A28", "words of other components under its own name"),
  drill("A29", "a worker that opens a socket to carry data out"),
  drill("A30", "a worker that reaches for a master's database"),
  drill("A31", "misbehaviour on one client's requests only"),
  drill("A32", "misbehaviour once in a hundred requests"),
  drill("A33", "a dormant implant that waits for its trigger", "removed by rejuvenation, which is not built"),
  drill("A34", "frames that are no messages, and messages that are none of ours"),
  drill("A35", "leases kept: it goes on after it was told to stop"),
  drill("A36", "a result on which the acceptance test dies"),
  drill("A37", "a refusal as the answer to everything"),
  drill("A38", "an object left out of a result over several"),
];

const OTHERS: readonly DrillTitle[] = [
  drill("B1", "an acceptance test that passes wrong results"),
  drill("B2", "an acceptance test that fails right results"),
  drill("B3", "an acceptance test that says nothing"),
  drill("B4", "a replica that answers with a wrong checksum"),
  drill("B5", "a replica that leaves out its access log"),
  drill("B6", "a replica that serves stale or corrupt copies"),
  drill("B7", "a replica that forges stored replies"),
  drill(
    "B8",
    "a client that replays, floods, squats ids and poisons signatures",
    "screening and learning are not built",
  ),
];

const FAULTS: readonly DrillTitle[] = [
  drill("F1", "crash of the execution server that holds the leases"),
  drill("F2", "crash of as many state replicas as are tolerated, at once"),
  drill("F3", "crash of the state masters' primary with versions pending"),
  drill("F4", "crash of the regulator's primary", "there is no second regulator to take over"),
  drill("F5", "crash of the manager's primary", "there is no second manager to take over"),
  drill("F6", "crash of an acceptance test server in the middle of tests"),
  drill("F7", "partitions, one-way and both ways, of a replica, the masters' primary and the lease holder"),
  drill("F8", "links that delay, lose, reorder and duplicate"),
  drill("F9", "the lease holder, then the masters' primary, paused for 30 s"),
  drill("F10", "clocks an hour ahead and behind, and 10 % too fast"),
  drill("F11", "disks: slow, short writes, full, an error, flipped bits"),
  drill("F12", "a master's database killed, then restored from an old copy"),
  drill("F13", "every server and database at once, but for manager and agents"),
  drill("F14", "rolling upgrade, membership change and rejuvenation under load", "rejuvenation is not built"),
];

export const DRILL_TITLES: readonly DrillTitle[] = [...EXECUTION, ...OTHERS, ...FAULTS];

export function titleOfDrill(name: string): DrillTitle {
  const found = DRILL_TITLES.find((each) => each.name === name);
  if (!found) throw new Error(`${name}: one of ${DRILL_TITLES.map((each) => each.name).join(", ")} expected`);
  return found;
}
