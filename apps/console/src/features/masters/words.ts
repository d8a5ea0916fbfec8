/** How the masters' state reads, and which meaning its colour has. Pure. */
import type { MastersStatus } from "../../live/types.ts";
import { formatCount, plural } from "../../text/format.ts";
import type { Tone } from "../../ui/tone.ts";

type Role = MastersStatus["masters"][number]["role"];

export const roleTones: Record<Role, Tone> = { leader: "good", follower: "good", learner: "accent", unknown: "idle" };

const stateTones: Record<string, Tone> = {
  up: "good",
  starting: "accent",
  stopping: "accent",
  suspect: "warn",
  down: "bad",
};

export const stateTone = (state: string): Tone => stateTones[state] ?? "idle";

/** A database may be some slots behind under load: it is off the path of agreement. */
const LAG_NOTABLE = 200;
export const lagToneOf = (lag: number): Tone => (lag <= LAG_NOTABLE ? "good" : "warn");

export function databaseOf(isUp: boolean | null): { tone: Tone; word: string } {
  if (isUp === null) return { tone: "idle", word: "not known" };
  return isUp ? { tone: "good", word: "up" } : { tone: "warn", word: "down, votes go on" };
}

const MS_PER_HOUR = 3_600_000;
const HOURS_PER_DAY = 24;
const DAYS_FROM_HOURS = 48;

/** How long masters keep every decision whole; null when none says. */
export function retentionOf({ masters }: Pick<MastersStatus, "masters">): string | null {
  const told = masters.flatMap(({ retention }) => (retention === null ? [] : [retention]));
  const [first] = told;
  if (first === undefined) return null;
  if (first.windowMs === 0) return "Decisions are kept whole for ever.";
  const hours = first.windowMs / MS_PER_HOUR;
  const window =
    hours >= DAYS_FROM_HOURS ? plural(Math.round(hours / HOURS_PER_DAY), "day") : `${Number(hours.toFixed(2))} hours`;
  const since = told
    .flatMap(({ keptFrom }) => (keptFrom === null ? [] : [keptFrom]))
    .sort()
    .at(-1);
  return since === undefined
    ? `Decisions are kept whole for ${window}; none is older yet.`
    : `Decisions are kept whole for ${window}. Of those before ${since.slice(0, 16).replace("T", " ")} UTC only the newest version of each object is.`;
}

/** One sentence for the whole page: can the masters decide, and how many may still fail? */
export function headlineOf(status: MastersStatus): { tone: Tone; sentence: string } {
  const { leader, quorum, live, faultsToleratedNow, masters } = status;
  const voters = masters.filter(({ role }) => role !== "learner").length;
  if (live < quorum)
    return {
      tone: "bad",
      sentence: `Only ${live} of ${voters} masters are up, and ${quorum} must agree: nothing can be decided now, so requests get 503.`,
    };
  if (leader === null)
    return { tone: "warn", sentence: "The masters are choosing a leader; decisions wait for a moment." };
  if (masters.length === 1) return { tone: "idle", sentence: `${leader} decides alone: no tolerance by design.` };
  const left =
    faultsToleratedNow === 0 ? "none of them may fail now" : `${formatCount(faultsToleratedNow)} more may fail`;
  return {
    tone: faultsToleratedNow === 0 ? "warn" : "good",
    sentence: `${leader} leads. ${plural(live, "master")} of ${voters} ${live === 1 ? "is" : "are"} up, ${quorum} must agree: ${left}.`,
  };
}

/** "0 to 767", and alone "417". */
export const rangeOf = ({ from, to }: { from: number; to: number }): string =>
  from === to ? `${from}` : `${from} to ${to}`;
