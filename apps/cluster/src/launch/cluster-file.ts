/** DATA/cluster.json: what a cluster is, from its first start on. Written by `redoubt up`, read by the manager. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { dataLayout } from "../runtime/data-layout.ts";

const degree = z.number().int().min(1).max(16);

export const clusterFileSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  profile: z.enum(["optimized", "basic"]),
  strictPaper: z.boolean(),
  drills: z.boolean(),
  portBase: z.number().int(),
  nodes: z.array(z.object({ name: z.string(), address: z.string(), port: z.number().int() })),
  slotsPerNode: z.number().int(),
  /** Number of servers wanted at the first start; afterwards the manager's own table counts. */
  degrees: z.object({
    "traffic-regulator": degree,
    "execution-server": degree,
    "acceptance-test-server": degree,
    "state-replica": degree,
    "state-master": degree,
    "configuration-manager": degree,
  }),
  /** Settings of the state replicas, by name (docs/OPERATIONS.md). */
  settings: z.record(z.string(), z.string()).default({}),
  application: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  startedAt: z.number(),
});

export type ClusterFile = z.infer<typeof clusterFileSchema>;

export function readClusterFile(data: string): ClusterFile | undefined {
  const file = dataLayout(data).clusterFile;
  if (!existsSync(file)) return undefined;
  return clusterFileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

export function writeClusterFile(data: string, cluster: ClusterFile): void {
  const file = dataLayout(data).clusterFile;
  writeFileSync(`${file}.tmp`, `${JSON.stringify(cluster, undefined, 2)}\n`, { flush: true });
  renameSync(`${file}.tmp`, file);
}
