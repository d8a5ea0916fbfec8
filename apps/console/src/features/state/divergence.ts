/** Which replicas hold another C1 than the version has: the odd one out is what somebody looks for. Pure. */
export interface ReplicaC1 {
  server: string;
  /** Null: this replica has not said. */
  c1: string | null;
  agrees: boolean | null;
}

interface Version {
  c1: string;
  replicas: readonly { server: string; c1: string }[];
}

/** Names of all replicas that any version was seen on, by number. */
export function replicaNames(versions: readonly Version[]): string[] {
  const names = new Set(versions.flatMap(({ replicas }) => replicas.map(({ server }) => server)));
  return [...names].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
}

export function replicaC1s(version: Version, names: readonly string[]): ReplicaC1[] {
  return names.map((server) => {
    const c1 = version.replicas.find((replica) => replica.server === server)?.c1 ?? null;
    return { server, c1, agrees: c1 === null ? null : c1 === version.c1 };
  });
}
