/** Execution servers by what they say of their confinement. Pure. */
import type { NodeDetail } from "../../live/types.ts";

type Server = Pick<NodeDetail["servers"][number], "name" | "component" | "confinement">;

export interface ConfinementGroup {
  sentence: string;
  means: readonly string[];
  servers: string[];
}

export function groupsOf(servers: readonly Server[]): { groups: ConfinementGroup[]; silent: string[] } {
  const groups = new Map<string, ConfinementGroup>();
  const silent: string[] = [];
  const sorted = servers
    .filter(({ component }) => component === "execution-server")
    .toSorted((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
  for (const { name, confinement } of sorted) {
    if (confinement === undefined) {
      silent.push(name);
      continue;
    }
    const { sentence, means } = confinement;
    const key = JSON.stringify([sentence, means]);
    const group = groups.get(key) ?? { sentence, means, servers: [] };
    group.servers.push(name);
    groups.set(key, group);
  }
  return { groups: [...groups.values()], silent };
}
