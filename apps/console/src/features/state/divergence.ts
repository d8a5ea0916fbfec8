/** Which replicas hold another C1 than the version has: the odd one out is what somebody looks for. Pure. */
import { plural } from "../../text/format.ts";

/**
 * `same`: the version's bytes. `repaired`: the same again after its scrub mended them. `differs`: other bytes. `corrupt`: its
 * own scrub found them wrong. `unread`: it lies behind a corrupt one, and is read again once that is repaired. `absent`: it answered and does not have this version. `silent`: it did not answer at all.
 */
export type CopyState = "same" | "repaired" | "differs" | "corrupt" | "unread" | "absent" | "silent";

export interface Copy {
  server: string;
  state: CopyState;
  c1: string | null;
}

interface Version {
  c1: string;
  replicas: readonly { server: string; c1: string; mark?: "corrupt" | "repaired" | "unread" | undefined }[];
}

/** Members and all replicas that any version was seen on, by number. */
export function replicaNames(versions: readonly Version[], members: readonly string[] = []): string[] {
  const names = new Set([...members, ...versions.flatMap(({ replicas }) => replicas.map(({ server }) => server))]);
  return [...names].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

/** Those that answered: a replica that stores none of the versions cannot be told from one that is silent. */
export function answering(versions: readonly Version[]): ReadonlySet<string> {
  return new Set(versions.flatMap(({ replicas }) => replicas.map(({ server }) => server)));
}

export function copiesOf(version: Version, names: readonly string[], answered: ReadonlySet<string>): Copy[] {
  return names.map((server) => {
    const copy = version.replicas.find((replica) => replica.server === server);
    if (copy === undefined) return { server, state: answered.has(server) ? "absent" : "silent", c1: null };
    return { server, state: stateOf(copy, version.c1), c1: copy.c1 === "" ? null : copy.c1 };
  });
}

function stateOf({ c1, mark }: Version["replicas"][number], expected: string): CopyState {
  if (mark === "corrupt" || mark === "unread") return mark;
  if (c1 !== expected) return "differs";
  return mark === "repaired" ? "repaired" : "same";
}

export const isWrong = ({ state }: Copy): boolean => state === "differs" || state === "corrupt";
const isRight = ({ state }: Copy): boolean => state === "same" || state === "repaired";

/** "3 of 3 replicas store the same bytes.", and who does not. */
export function sentenceOf(copies: readonly Copy[]): string {
  const right = copies.filter(isRight).length;
  const say = (state: CopyState, single: string, many: string): string => {
    const names = copies.filter((copy) => copy.state === state).map(({ server }) => server);
    return names.length === 0 ? "" : ` ${names.join(" and ")} ${names.length === 1 ? single : many}.`;
  };
  return [
    `${right} of ${plural(copies.length, "replica")} ${right === 1 ? "stores" : "store"} the same bytes.`,
    say("differs", "stores other bytes", "store other bytes"),
    say("corrupt", "has found its copy corrupt", "have found their copies corrupt"),
    say("repaired", "has repaired its copy", "have repaired their copies"),
    say("absent", "does not have it", "do not have it"),
    say("unread", "cannot read it before a damaged one is repaired", "cannot read it before a damaged one is repaired"),
    say("silent", "did not answer", "did not answer"),
  ].join("");
}
