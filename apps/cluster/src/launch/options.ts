/** What `redoubt up` asks for, checked. Errors name the flag and what was expected. */

import { z } from "zod";
import { serversMax } from "../runtime/ports.ts";

const COMPONENTS = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
] as const;

/** Settings that a cluster may be started with: of its state replicas, its acceptance test servers (basic) and its masters. */
const SETTINGS = [
  "scrubPeriodMs",
  "scrubBytesPerSecond",
  "transferBytesPerSecond",
  "keepSegments",
  "retentionMs",
  "acceptanceFaultsTolerated",
  "auditPercent",
  "metadataRetentionMs",
] as const;
/** Clocks of masters may be apart by as much, and slots stand in no better order of time. */
const METADATA_RETENTION_MS_MIN = 60_000;

const optionsSchema = z.object({
  data: z.string().min(1),
  application: z.string().min(1),
  portBase: z
    .number("--port-base: a number expected")
    .int("--port-base: a whole number expected")
    .min(1024, "--port-base: at least 1024 expected")
    .max(32_668, "--port-base: at most 32668 expected, so that the block of 100 ports stays below 32768"),
  profile: z.enum(["optimized", "basic"], "--profile: optimized or basic expected"),
  strictPaper: z.boolean(),
  drills: z.boolean(),
  nodes: z
    .number("--nodes: a number expected")
    .int("--nodes: a whole number expected")
    .min(1, "--nodes: 1 to 20 expected")
    .max(20, "--nodes: 1 to 20 expected"),
  settings: z
    .partialRecord(
      z.enum(SETTINGS, `--setting: one of ${SETTINGS.join(", ")} expected`),
      z.string().regex(/^\d{1,12}$/, "--setting: a whole number expected"),
    )
    .default({}),
  degrees: z.partialRecord(z.enum(COMPONENTS), z.number().int()),
});

export type LaunchOptions = z.infer<typeof optionsSchema>;

const DEFAULT_DEGREES = {
  "traffic-regulator": 1,
  "execution-server": 3,
  "acceptance-test-server": 3,
  "state-replica": 3,
  "state-master": 3,
  "configuration-manager": 1,
} as const;

export class UsageError extends Error {}

export function checkOptions(
  given: unknown,
): LaunchOptions & { readonly wanted: Record<(typeof COMPONENTS)[number], number> } {
  const parsed = optionsSchema.safeParse(given);
  if (!parsed.success) {
    throw new UsageError(
      parsed.error.issues
        .map((issue) =>
          issue.message.startsWith("--") ? issue.message : `--${issue.path.join(".")}: ${issue.message}`,
        )
        .join("; "),
    );
  }
  const options = parsed.data;
  const wanted = { ...DEFAULT_DEGREES, ...options.degrees };
  for (const component of COMPONENTS) checkDegree(component, wanted[component]);
  checkAcceptance(options.settings, wanted["acceptance-test-server"]);
  const retentionMs = Number(options.settings.metadataRetentionMs ?? 0);
  if (retentionMs > 0 && retentionMs < METADATA_RETENTION_MS_MIN)
    throw new UsageError(
      `--setting metadataRetentionMs: 0 (keeps everything) or ${METADATA_RETENTION_MS_MIN} and more expected`,
    );
  return { ...options, wanted };
}

function checkAcceptance(settings: LaunchOptions["settings"], servers: number): void {
  const faults = Number(settings.acceptanceFaultsTolerated ?? 0);
  if (servers < 2 * faults + 1)
    throw new UsageError(
      `--setting acceptanceFaultsTolerated=${faults}: needs 2a+1 servers, --degree acceptance-test-server=${2 * faults + 1} or more`,
    );
  if (Number(settings.auditPercent ?? 0) > 100) throw new UsageError("--setting auditPercent: 0 to 100 expected");
}

function checkDegree(component: (typeof COMPONENTS)[number], count: number): void {
  const flag = `--degree ${component}=${count}`;
  if (count < 1 || count > serversMax(component))
    throw new UsageError(`${flag}: 1 to ${serversMax(component)} expected`);
  const quorum = component === "state-replica" || component === "state-master";
  if (quorum && count % 2 === 0)
    throw new UsageError(
      `${flag}: an odd number expected (2f+1 tolerate f faults; ${count} tolerate no more than ${count - 1})`,
    );
  const single = component === "traffic-regulator" || component === "configuration-manager";
  if (single && count !== 1) throw new UsageError(`${flag}: 1 expected, backups of this component are not built yet`);
}
