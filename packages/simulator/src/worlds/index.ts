/**
 * Worlds made for one purpose: each puts one rule of the protocol to the test again and again, where a seed of its own choice
 * would do so once in a thousand. The checkers are the ordinary ones. Used by tests and by `npm run mutants`.
 */
import type { WorldPlan } from "../world.ts";
import { admissions } from "./admissions.ts";
import { ambushed } from "./ambush.ts";
import { closings } from "./closings.ts";
import { collidingKeys } from "./colliding-keys.ts";
import { denied } from "./denials.ts";
import { doubled } from "./double-effects.ts";
import { elections } from "./elections.ts";
import { forged } from "./forgers.ts";
import { held } from "./held.ts";
import { overtaken } from "./overtaking.ts";
import { plotted } from "./plot.ts";
import { powerCuts } from "./power-cuts.ts";
import { refused } from "./refusals.ts";
import { slowHosts } from "./slow-hosts.ts";
import { staleReaders } from "./stale-reads.ts";
import { usurped } from "./usurper.ts";
import { changingVersions } from "./versions.ts";
import { whispered } from "./whispers.ts";
import { wipedMasters } from "./wiped-masters.ts";

export type Alter = (plan: WorldPlan) => WorldPlan;

/** By the name a mutant's patch gives. */
export const WORLDS: Readonly<Record<string, Alter>> = {
  ordinary: (plan) => plan,
  admissions,
  ambush: ambushed,
  closings,
  "colliding-keys": collidingKeys,
  denials: denied,
  "double-effects": doubled,
  elections,
  forgers: forged,
  held,
  overtaking: overtaken,
  plot: plotted,
  "power-cuts": powerCuts,
  refusals: refused,
  "slow-hosts": slowHosts,
  "stale-reads": staleReaders,
  usurper: usurped,
  versions: changingVersions,
  whispers: whispered,
  "wiped-masters": wipedMasters,
};
