/**
 * No execution server that nobody ever captured is shown to have misbehaved: by t+1 members, or by signatures. What a lossy
 * network or a frozen process makes of an honest one (too few members reached, a write after its time) is no lie and not
 * judged here; nor is what fewer members say, because they may be the faulty ones.
 */
import type { Checker } from "../observation.ts";

/** Acts that need no liar. */
const ACCIDENTS: ReadonlySet<string> = new Set(["partial-multicast", "foreign-lease", "replayed-request"]);

export const checkAccusations: Checker = ({ accusations = [] }) =>
  accusations
    .filter(({ component, confirmed, act }) => component === "execution-server" && confirmed && !ACCIDENTS.has(act))
    .map(({ server, act, detail }) => ({
      invariant: "bystander",
      detail: `${server} is called guilty of ${act}: ${detail}`,
    }));
