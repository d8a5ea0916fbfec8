/** What a group's degree means to a person: how many more faults it survives, and how sure that is. Pure. */
import type { FeedComponent } from "@redoubt/shared";
import { plural } from "../../text/format.ts";
import type { Tone } from "../../ui/tone.ts";

export interface Degree {
  wanted: number;
  live: number;
  quorum: number;
  faultsToleratedNow: number;
  faultsToleratedByDesign: number;
}

export interface Tolerance {
  tone: Tone;
  sentence: string;
}

/** Groups that decide by majority; the others only need one that serves. */
const quorumGroups: ReadonlySet<FeedComponent> = new Set(["state-replica", "state-master"]);

/** The paper's order, which is the order in which a request meets them. */
export const groupOrder: readonly FeedComponent[] = [
  "traffic-regulator",
  "execution-server",
  "state-replica",
  "state-master",
  "acceptance-test-server",
  "configuration-manager",
];

export const groupTitles: Record<FeedComponent, string> = {
  "traffic-regulator": "Traffic regulator",
  "execution-server": "Execution servers",
  "state-replica": "State replicas",
  "state-master": "State masters",
  "acceptance-test-server": "Acceptance test servers",
  "configuration-manager": "Configuration manager",
};

export function toleranceOf(component: FeedComponent, degree: Degree): Tolerance {
  const byMajority = quorumGroups.has(component);
  if (degree.live < degree.quorum) {
    return { tone: "bad", sentence: byMajority ? "quorum lost" : "not serving" };
  }
  if (degree.faultsToleratedByDesign === 0) return { tone: "idle", sentence: "no tolerance by design" };
  const able = byMajority ? "quorate" : "serving";
  const left = degree.faultsToleratedNow === 0 ? "0 faults left" : `${plural(degree.faultsToleratedNow, "fault")} left`;
  const short = degree.faultsToleratedNow < degree.faultsToleratedByDesign || degree.live < degree.wanted;
  return { tone: short ? "warn" : "good", sentence: `${able}, ${left}` };
}

export interface Headline {
  tone: Tone;
  sentence: string;
  groups: FeedComponent[];
}

/** The one sentence over everything; names the groups it is about, worst first. */
export function headlineOf(degrees: Partial<Record<FeedComponent, Degree>>): Headline {
  const named = (tone: Tone) =>
    groupOrder.filter((component) => {
      const degree = degrees[component];
      return degree !== undefined && toleranceOf(component, degree).tone === tone;
    });
  const lost = named("bad");
  if (lost.length > 0)
    return { tone: "bad", sentence: `${listOf(lost)}: below what is needed to serve.`, groups: lost };
  const short = named("warn");
  if (short.length > 0) {
    return { tone: "warn", sentence: `${listOf(short)}: serving with less tolerance than designed.`, groups: short };
  }
  if (groupOrder.every((component) => degrees[component] === undefined)) {
    return { tone: "idle", sentence: "Nothing is known of any group yet.", groups: [] };
  }
  return { tone: "good", sentence: "Every group tolerates the faults it is designed for.", groups: [] };
}

function listOf(components: readonly FeedComponent[]): string {
  return components.map((component) => groupTitles[component]).join(", ");
}
