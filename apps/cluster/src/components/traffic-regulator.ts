/**
 * The traffic regulator's process: the only entry of requests and exit of replies. Its core decides; around it are the
 * client HTTP API, the journal of L1, L2 and L3, and the links.
 */
import { randomBytes } from "node:crypto";
import {
  createTrafficRegulator,
  problemResponse,
  type RegulatedApplication,
  type TrafficRegulatorEffect,
  type TrafficRegulatorInput,
} from "@redoubt/protocol";
import type { ToTrafficRegulator } from "@redoubt/shared";
import { openEvidenceVerifier } from "../adapters/certificates/index.ts";
import { openApiOf } from "../applications/openapi.ts";
import { createValidators } from "../applications/validators.ts";
import { type ClientApi, openClientApi } from "../client-api/index.ts";
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
  const { server, settings, application, hasher } = basis;
  const journal = await openServerJournal(server, { mayBeCut: true });
  const regulated = regulatedApplication(basis);
  const core = createTrafficRegulator(
    {
      hasher,
      random: secureRandom,
      verifySignature: createSignatureCheck(),
      makeKey: () => randomBytes(KEY_BYTES).toString("hex"),
    },
    { self: environment.server, masters: settings.masters, application: regulated },
  );
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
      ownRoutes: ownRoutes(basis),
      openApi: openApiOf(application.contract),
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
      validateInput: (operation, input) => ({
        problems: regulated.validateValue(operation, input),
        validatedBy: regulated.version,
      }),
    },
  );
  server.onStop(async () => api?.close());
  watchReadiness(() => core.ready, server);
  server.reportHealth(() => ({
    ready: core.ready,
    role: core.epoch > 0 ? "primary" : "backup",
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

function regulatedApplication({
  application,
  hasher,
}: ComponentBasis): RegulatedApplication & { readonly validateValue: ValidateValue } {
  const { contract, hash } = application;
  const validators = createValidators(contract);
  const operationOf = (name: string) =>
    Object.hasOwn(contract.operations, name) ? contract.operations[name] : undefined;
  // Names come from clients: about an operation that does not exist there is nothing to say here; the core answers 404.
  const validateValue: ValidateValue = (operation, input) => {
    if (!operationOf(operation)) return [];
    const checked = validators.validateInput(operation, input);
    return checked.ok ? [] : checked.problems;
  };
  return {
    ...createApplicationPort(application, hasher),
    version: hash,
    operationOf,
    validate: (operation, inputText) => validateValue(operation, JSON.parse(inputText)),
    validateValue,
    genesisObjects: contract.genesis.map(({ object }) => object),
  };
}

function ownRoutes({ application }: ComponentBasis): Map<string, string> {
  const routes = new Map<string, string>();
  for (const [name, { route }] of Object.entries(application.contract.operations))
    if (route) routes.set(route.path, name);
  return routes;
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
