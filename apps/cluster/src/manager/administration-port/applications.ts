/** Versions of the application: what there is, what a bundle would change, deploying it, and the step back. */
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { compareContracts } from "@redoubt/application";
import { BREAKER_PRINCIPALS } from "@redoubt/protocol";
import {
  AdministrationError,
  type AdministrationPort,
  type ApplicationBundle,
  type ApplicationCheck,
  type ApplicationVersion,
  type BreakerState,
  type RollbackOffer,
} from "../../administration/index.ts";
import { type LoadedApplication, loadApplication } from "../../applications/load-application.ts";
import type { RecordedVersion } from "../applications/application-versions.ts";
import { describeObjects, describeOperations } from "../applications/describe.ts";
import type { PortParts } from "./parts.ts";

type ApplicationsPart = Pick<
  AdministrationPort,
  "applications" | "applicationCheck" | "applicationDeploy" | "applicationRollback"
>;

export function applicationsPart(parts: PortParts): ApplicationsPart {
  const { applications, server } = parts;
  const currentVersion = (): ApplicationVersion => {
    const { current } = applications.choice;
    const recorded = applications.versions.find(({ hash }) => hash === current);
    if (!recorded) throw new Error("the current version is recorded with the order that chose it");
    return describeVersion(parts, recorded);
  };
  return {
    async applications() {
      const { current } = applications.choice;
      return {
        asOf: new Date().toISOString(),
        current,
        versions: applications.versions.map((recorded) => describeVersion(parts, recorded)),
        breakers: breakersOf(parts),
        rollback: offer(parts),
        bundles: await otherBundles(server.layout.applications, new Set([current])),
      };
    },
    applicationCheck: async ({ hash }) => check(parts, hash),
    async applicationDeploy({ hash, trialRequests }, actor) {
      const { problems } = check(parts, hash);
      if (problems.length > 0) {
        const text = problems.map(({ where, field, message }) => `${where}${field ? `, ${field}` : ""}: ${message}`);
        throw new AdministrationError("refused", `The contract is incompatible:\n${text.join("\n")}`, "hash");
      }
      await applications.deploy(hash, trialRequests, actor);
      return currentVersion();
    },
    async applicationRollback({ to }, actor) {
      const target = to ?? applications.choice.replaces;
      if (target === undefined)
        throw new AdministrationError("refused", "The current version replaced none: there is nothing to go back to.");
      if (!applications.versions.some(({ hash }) => hash === target))
        throw new AdministrationError("not-found", "to: this version was never deployed; deploy it.", "to");
      if (target === applications.choice.current)
        throw new AdministrationError("conflict", "This version admits requests already.", "to");
      const { possible, sentence } = offerOf(parts, target);
      if (!possible) throw new AdministrationError("refused", sentence, "to");
      await applications.rollBack(target, actor);
      return currentVersion();
    },
  };
}

function describeVersion(parts: PortParts, { hash, deployedAt, deployedBy }: RecordedVersion): ApplicationVersion {
  const { applications } = parts;
  const { contract } = applications.load(hash);
  const { choice, status } = applications;
  const { loaded, missing } = applications.loadedBy(hash);
  const isCurrent = hash === choice.current;
  const trial = isCurrent && status?.order === choice.order ? status.trial : null;
  return {
    hash,
    name: contract.name,
    title: contract.title,
    version: contract.version,
    state: isCurrent
      ? "current"
      : hash === applications.loading
        ? "loading"
        : hash === choice.replaces
          ? "previous"
          : "retired",
    deployedAt: new Date(deployedAt).toISOString(),
    deployedBy,
    trial: trial && trial.requests < trial.of ? trial : null,
    operations: describeOperations(contract),
    objects: describeObjects(contract),
    servers: { loaded: loaded.length, of: loaded.length + missing.length },
  };
}

const breakersOf = ({ applications }: PortParts): BreakerState[] =>
  (applications.status?.breakers ?? []).map((circuit) => ({
    applicationVersion: circuit.applicationVersion,
    operation: circuit.operation,
    check: circuit.check,
    state: circuit.isOpen ? "open" : "closed",
    principals: circuit.principals,
    principalsNeeded: BREAKER_PRINCIPALS,
    withheld: circuit.withheld,
    openedAt: circuit.openedAt === 0 ? null : new Date(circuit.openedAt).toISOString(),
    openUntil: circuit.isOpen ? new Date(circuit.openUntil).toISOString() : null,
  }));

const offer = (parts: PortParts): RollbackOffer | null => {
  const { replaces } = parts.applications.choice;
  return replaces === undefined ? null : offerOf(parts, replaces);
};

/** What the current version has written, the other one must be able to read. */
function offerOf({ applications }: PortParts, to: string): RollbackOffer {
  const target = applications.load(to).contract;
  const current = applications.load(applications.choice.current).contract;
  const { rollback } = compareContracts(target, current);
  const serving = `Version ${target.version} admits requests again at once; what version ${current.version} admitted finishes on it.`;
  return {
    to,
    version: target.version,
    possible: rollback.isPossible,
    sentence: `${rollback.isPossible ? serving : "It cannot be rolled back."} ${rollback.sentence}`.trim(),
  };
}

function check({ applications }: PortParts, hash: string): ApplicationCheck {
  const { current } = applications.choice;
  const next = applications.load(hash).contract;
  const before = applications.load(current).contract;
  const { problems, notes, rollback } = compareContracts(before, next, {
    isInUse: (operation) => isInUse(applications.status?.lastUsed[operation]),
  });
  return {
    hash,
    version: next.version,
    comparedWith: current,
    problems: [...problems],
    notes: [...notes],
    rollback: { possible: rollback.isPossible, sentence: rollback.sentence },
  };
}

const IN_USE_MS = 24 * 3_600_000;
const isInUse = (lastUsedAt: number | undefined): boolean =>
  lastUsedAt !== undefined && Date.now() - lastUsedAt < IN_USE_MS;

/** Bundles on this node, the newest first; a folder that is no whole bundle is none. */
async function otherBundles(folder: string, known: ReadonlySet<string>): Promise<ApplicationBundle[]> {
  const hashes = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name) && !known.has(name));
  const bundles = hashes.flatMap((hash) => {
    const directory = join(folder, hash);
    const application = wholeBundle(directory);
    if (!application) return [];
    const { name, title, version } = application.contract;
    const bundledAt = statSync(join(directory, "manifest.json")).mtime.toISOString();
    return [{ hash, name, title, version, bundledAt }];
  });
  return bundles.sort((left, right) => (left.bundledAt < right.bundledAt ? 1 : -1));
}

function wholeBundle(directory: string): LoadedApplication | undefined {
  if (!existsSync(join(directory, "manifest.json"))) return undefined;
  try {
    return loadApplication(directory);
  } catch {
    return undefined;
  }
}
