/**
 * The traffic regulator's process: the only entry of requests and exit of replies. Its core decides; around it are the
 * client HTTP API, the journal of L1, L2 and L3, and the links.
 */
import { randomBytes } from "node:crypto";
import {
  createTrafficRegulator,
  problemResponse,
  type RegulatedApplication,
  type RegulatedOperation,
  type TrafficRegulatorEffect,
  type TrafficRegulatorInput,
} from "@redoubt/protocol";
import { LIMITS, type ToTrafficRegulator } from "@redoubt/shared";
import { openEvidenceVerifier } from "../adapters/certificates/index.ts";
import type { LoadedApplication } from "../applications/load-application.ts";
import { openApiOf } from "../applications/openapi.ts";
import { createValidators } from "../applications/validators.ts";
import { type ClientApi, openClientApi, type ValidatedInput } from "../client-api/index.ts";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { createApplicationPort } from "./application-port.ts";
import { type ComponentBasis, journalCounters, openComponent, openServerJournal, secureRandom } from "./component.ts";
import { JournalCutter } from "./journal-cutter.ts";

/** Names the state in a regulator's checkpoints and the format of the core's part; another format needs another number. */
const CHECKPOINT_OWNER = "traffic-regulator 1";
/** Records between checkpoints, at most: few enough that a restart replays them within half a second. */
const CHECKPOINT_RECORDS = 16_000;
/** All replies of the window are in a checkpoint, and requests wait while it is made: seldom, and more seldom the more there are. */
const CHECKPOINT_GROWTH_SHARE = 8;
const KEY_BYTES = 32;
const READINESS_LOOK_MS = 50;
const VERIFIERS_MAX = 64;

export async function runTrafficRegulator(environment: ServerEnvironment): Promise<void> {
  const basis = openComponent(environment);
  const { server, settings, applications, hasher } = basis;
  const journal = await openServerJournal(server, { mayBeCut: true });
  const served = new Map(applications.all.map((each) => [each.hash, serve(each, hasher)]));
  const [first, ...otherVersions] = [...served.values()].map(({ regulated }) => regulated);
  if (!first) throw new Error("a regulator has at least the version its cluster was made with");
  const core = createTrafficRegulator(
    {
      hasher,
      random: secureRandom,
      verifySignature: createSignatureCheck(),
      makeKey: () => randomBytes(KEY_BYTES).toString("hex"),
    },
    { self: environment.server, masters: settings.masters, application: first, otherVersions },
  );
  /** The version that admits requests now. */
  const current = (): Served => served.get(core.applicationVersion) ?? (served.get(first.version) as Served);
  applications.onLoaded((loaded) => {
    const version = serve(loaded, hasher);
    served.set(loaded.hash, version);
    driver.input({ kind: "loaded", application: version.regulated });
  });
  let api: ClientApi | undefined;
  const cutter = new JournalCutter(journal, server.log);
  // Two checkpoints bear everything that is remembered: what is below the older one nobody reads again.
  cutter.allow(Number.MAX_SAFE_INTEGER);
  const driver = new Driver<TrafficRegulatorInput, TrafficRegulatorEffect>({
    core,
    journal,
    codec: recordCodec,
    send: ({ to, message }) => server.send(to, message),
    onPressure: (isHigh) => server.holdBack(isHigh),
    checkpoints: {
      owner: CHECKPOINT_OWNER,
      everyRecords: CHECKPOINT_RECORDS,
      growthShare: CHECKPOINT_GROWTH_SHARE,
      onSaved: (saved) => {
        server.log.info(saved, "checkpoint");
        cutter.saved(saved.through);
      },
      onFailure: (error) => server.log.warn({ error: error.message }, "no checkpoint was made"),
    },
    perform: (effect) => {
      if (effect.kind === "respond") api?.respond(effect.exchange, effect);
      else server.log.debug({ fact: effect.fact }, "fact");
    },
  });
  server.onStop(() => driver.stop());
  server.log.info(await driver.start(), "journal replayed");
  await server.open({
    onMessage: (from, message) => driver.input({ kind: "message", from, message: message as ToTrafficRegulator }),
  });
  api = await openClientApi(
    {
      host: settings.clientAddress,
      port: settings.clientPort,
      get ownRoutes() {
        return current().routes;
      },
      get openApi() {
        return current().openApi;
      },
    },
    {
      onAdmit: (request) => {
        // What cannot be logged is not begun (PROTOCOL §6), and must not pile up in memory either.
        if (journal.shortage) api?.respond(request.exchange, problemResponse("not-ready", { retryAfterSeconds: 1 }));
        else driver.input({ kind: "admit", ...request });
      },
      onLookUp: (request) => driver.input({ kind: "lookUp", ...request }),
      onAbandoned: (exchange) => driver.input({ kind: "abandoned", exchange }),
      isReady: () => core.ready && !core.isBelowQuorum && !journal.shortage,
      validateInput: (operation, input) => validateBySome(current(), [...served.values()], operation, input),
    },
  );
  server.onStop(async () => api?.close());
  watchReadiness(() => core.ready, server);
  server.reportHealth(() => ({
    ready: core.ready,
    role: core.epoch > 0 ? "primary" : "backup",
    applications: [...served.keys()],
    counters: {
      ...{ steps: driver.steps, epoch: core.epoch, ...core.logs },
      ...{ ...journalCounters(journal), firstRecord: journal.statistics.firstRecord },
    },
    processes: [],
  }));
}

/** Says at once when it begins or ceases to serve. */
function watchReadiness(isReady: () => boolean, server: ComponentBasis["server"]): void {
  let wasReady = isReady();
  const timer = setInterval(() => {
    if (isReady() === wasReady) return;
    wasReady = !wasReady;
    server.healthChanged();
  }, READINESS_LOOK_MS);
  server.onStop(async () => clearInterval(timer));
}

type ValidateValue = (operation: string, input: unknown) => ReturnType<RegulatedApplication["validate"]>;

/** One version as the regulator's core and its client API need it. */
interface Served {
  readonly regulated: RegulatedApplication;
  readonly validateValue: ValidateValue;
  readonly routes: ReadonlyMap<string, string>;
  readonly openApi: unknown;
}

function serve({ contract, hash }: LoadedApplication, hasher: ComponentBasis["hasher"]): Served {
  const validators = createValidators(contract);
  const operations = new Map(
    Object.entries(contract.operations).map(([name, { allow, onQuarantine, holdMs }]): [string, RegulatedOperation] => [
      name,
      onQuarantine === "hold" ? { allow, holdMs: holdMs ?? LIMITS.defaultHoldMs } : { allow },
    ]),
  );
  const operationOf = (name: string) => operations.get(name);
  // Names come from clients: about an operation that does not exist there is nothing to say here; the core answers 404.
  const validateValue: ValidateValue = (operation, input) => {
    if (!operationOf(operation)) return [];
    const checked = validators.validateInput(operation, input);
    return checked.ok ? [] : checked.problems;
  };
  const regulated: RegulatedApplication = {
    ...createApplicationPort({ contract, hash }, hasher),
    operationOf,
    validate: (operation, inputText) => validateValue(operation, JSON.parse(inputText)),
    genesisObjects: contract.genesis.map(({ object }) => object),
  };
  const routes = new Map<string, string>();
  for (const [name, { route }] of Object.entries(contract.operations)) if (route) routes.set(route.path, name);
  return { regulated, validateValue, routes, openApi: openApiOf(contract) };
}

/**
 * By the current version; what only another version allows may be a repeat of what that one admitted, so the core, which knows,
 * looks at it again.
 */
function validateBySome(current: Served, all: readonly Served[], operation: string, input: unknown): ValidatedInput {
  const problems = current.validateValue(operation, input);
  const other = problems.length > 0 && all.find((each) => each.validateValue(operation, input).length === 0);
  return other
    ? { problems: [], validatedBy: other.regulated.version }
    : { problems, validatedBy: current.regulated.version };
}

/** Keys are parsed once; an execution server's key changes with every process. */
function createSignatureCheck() {
  const verifiers = new Map<string, ReturnType<typeof openEvidenceVerifier>>();
  return (publicKey: string, digest: string, signature: string): boolean => {
    if (!verifiers.has(publicKey)) {
      if (verifiers.size >= VERIFIERS_MAX) verifiers.clear();
      verifiers.set(publicKey, openEvidenceVerifier(publicKey));
    }
    return verifiers.get(publicKey)?.(Buffer.from(digest, "hex"), Buffer.from(signature, "hex")) ?? false;
  };
}
