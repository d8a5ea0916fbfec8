/**
 * The versions a request wrote: verified ones from the masters' decisions, others (pending, or void for ever) from the replicas,
 * which are asked about the objects that it may have written.
 */
import { evaluateAccess } from "@redoubt/application";
import type { RequestId } from "@redoubt/shared";
import type { RequestVersion } from "../../administration/index.ts";
import type { StoredRequestStep } from "../state-link.ts";
import type { PortParts } from "./parts.ts";

/** Objects whose replicas are asked. */
const OBJECTS_ASKED_MAX = 8;
/** How far around the version known, or back from the newest, a version of the same request is looked for. */
const NUMBERS_AROUND = 8;
const NUMBERS_BACK = 100;

export function verifiedVersions(steps: readonly StoredRequestStep[]): RequestVersion[] {
  return steps.flatMap(({ slot, versions }) =>
    versions.map(({ object, number, epoch, c1, executionServer, attempt, testers }) => ({
      ...{ object, number, epoch, c1, executionServer, attempt, slot },
      ...{ status: "verified" as const, testers: [...testers], replicas: null },
    })),
  );
}

/** Objects the request may have written: those it is known to have, or those that the contract gives its input. */
export function objectsWritten(
  { contract }: Pick<PortParts, "contract">,
  verified: readonly RequestVersion[],
  operation: string,
  inputText: string | null,
): string[] {
  if (verified.length > 0) return [...new Set(verified.map(({ object }) => object))];
  if (inputText === null) return [];
  try {
    const access = evaluateAccess(contract, operation, JSON.parse(inputText));
    return access.ok ? access.value.flatMap(({ object, mode }) => (mode === "read" ? [] : [object])) : [];
  } catch {
    return [];
  }
}

/** Completes the versions by what the replicas store now of each object; `silent` when none of them answered. */
export async function storedVersions(
  { state }: Pick<PortParts, "state">,
  requestId: RequestId,
  verified: readonly RequestVersion[],
  objects: readonly string[],
): Promise<{ readonly versions: RequestVersion[]; readonly silent: boolean }> {
  const asked = objects.slice(0, OBJECTS_ASKED_MAX);
  const told = await Promise.all(asked.map((object) => askReplicas({ state }, object, verified)));
  const versions = new Map(verified.map((version) => [nameOf(version), { ...version }]));
  for (const [index, object] of asked.entries())
    for (const { server, versions: held } of told[index] ?? [])
      for (const { number, epoch, c1, status, requestId: of, executionServer } of held) {
        if (of !== requestId) continue;
        const name = nameOf({ object, number, epoch });
        const known = versions.get(name) ?? {
          ...{ object, number, epoch, c1, status, executionServer },
          ...{ attempt: null, slot: null, testers: [], replicas: null },
        };
        versions.set(name, { ...known, replicas: [...(known.replicas ?? []), { server, c1 }] });
      }
  return {
    versions: [...versions.values()].sort(inOrder),
    silent: asked.length > 0 && told.every((descriptions) => descriptions.length === 0),
  };
}

async function askReplicas({ state }: Pick<PortParts, "state">, object: string, verified: readonly RequestVersion[]) {
  const own = verified.find((version) => version.object === object)?.number;
  if (own !== undefined)
    return state.describe(object, { from: Math.max(1, own - NUMBERS_AROUND), to: own + NUMBERS_AROUND });
  const [newest] = (await state.objectVersions(object, 1))?.versions ?? [];
  return state.describe(object, {
    from: Math.max(1, (newest?.number ?? 1) - NUMBERS_BACK),
    to: Number.MAX_SAFE_INTEGER,
  });
}

const nameOf = ({ object, number, epoch }: { object: string; number: number; epoch: number }): string =>
  `${object} ${number}.${epoch}`;

const inOrder = (one: RequestVersion, other: RequestVersion): number =>
  one.object.localeCompare(other.object, "en", { numeric: true }) ||
  one.number - other.number ||
  one.epoch - other.epoch;
