/** The application as the cores see it, from the contract's JSON. No code of the developer runs here. */
import { type ContractJson, correlationOf, evaluateAccess, evaluateHome, objectContractOf } from "@redoubt/application";
import { type ApplicationPort, GENESIS_OPERATION, type Hasher, objectClusterOf } from "@redoubt/protocol";
import { canonicalJson, composeStored, FIRST_SCHEMA_VERSION, fail, LIMITS, ok } from "@redoubt/shared";

export function createApplicationPort(
  { contract, hash }: { readonly contract: ContractJson; readonly hash: string },
  hasher: Hasher,
): ApplicationPort {
  const genesis = new Map(
    contract.genesis.map(({ object, value }) => {
      const schemaVersion = objectContractOf(contract, object)?.version ?? FIRST_SCHEMA_VERSION;
      return [object, composeStored(schemaVersion, canonicalJson(value))];
    }),
  );
  const clusters = new Map<string, number>();
  const clusterOf = (object: string): number | undefined => {
    const correlation = correlationOf(contract, object);
    if (correlation === undefined) return undefined;
    const known = clusters.get(correlation);
    if (known !== undefined) return known;
    const cluster = objectClusterOf(hasher, correlation);
    if (clusters.size >= CLUSTERS_REMEMBERED_MAX) clusters.clear();
    clusters.set(correlation, cluster);
    return cluster;
  };
  return {
    version: hash,
    evaluateAccess(operation, inputText) {
      const input = parse(inputText);
      if (input === undefined) return fail("the input is not JSON");
      if (operation === GENESIS_OPERATION) return genesisAccess(genesis, input);
      const access = evaluateAccess(contract, operation, input);
      if (!access.ok) return fail(`${access.error.field}: ${access.error.expected} expected`);
      return ok(access.value);
    },
    clusterOf,
    isReadOnly: (operation) => own(contract, operation)?.readOnly ?? false,
    homeOf(operation, inputText) {
      const input = parse(inputText);
      if (operation === GENESIS_OPERATION || input === undefined) return undefined;
      const home = evaluateHome(contract, operation, input);
      return home.ok && home.value !== undefined ? clusterOf(home.value) : undefined;
    },
    deadlineMsOf: (operation) => own(contract, operation)?.deadlineMs ?? LIMITS.defaultDeadlineMs,
    genesisValue: (object) => genesis.get(object),
  };
}

/** All versions at hand when a server starts, as its core takes them. */
export function applicationPorts(
  applications: { readonly all: readonly { readonly contract: ContractJson; readonly hash: string }[] },
  hasher: Hasher,
): { readonly application: ApplicationPort; readonly otherVersions: readonly ApplicationPort[] } {
  const [application, ...otherVersions] = applications.all.map((each) => createApplicationPort(each, hasher));
  if (!application) throw new Error("a server has at least the version its cluster was made with");
  return { application, otherVersions };
}

const CLUSTERS_REMEMBERED_MAX = 200_000;

const own = (contract: ContractJson, operation: string) =>
  Object.hasOwn(contract.operations, operation) ? contract.operations[operation] : undefined;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function genesisAccess(
  genesis: ReadonlyMap<string, string>,
  input: unknown,
): ReturnType<ApplicationPort["evaluateAccess"]> {
  const objects = (input as { objects?: unknown } | null)?.objects;
  if (!Array.isArray(objects) || objects.length > LIMITS.objectsPerRequestMax)
    return fail("objects: a list of names expected");
  const unknown = objects.find((object) => typeof object !== "string" || !genesis.has(object));
  if (unknown !== undefined) return fail("objects: only first objects of the contract expected");
  return ok([...new Set(objects as string[])].map((object) => ({ object, mode: "create" as const })));
}
