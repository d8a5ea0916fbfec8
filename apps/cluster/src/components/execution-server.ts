/**
 * The execution server's shell: links, tickets, transactions and signatures around sandboxed workers that run the
 * application's code. Everybody else treats this process as Byzantine.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContractJson } from "@redoubt/application";
import {
  createExecutionServer,
  type ExecutionServerEffect,
  type ExecutionServerInput,
  type SendEffect,
  type Sender,
} from "@redoubt/protocol";
import {
  type AnyMessage,
  assert,
  type Confinement,
  type RequestId,
  type ServerName,
  type ToExecutionServer,
} from "@redoubt/shared";
import { openEvidenceSigner } from "../adapters/certificates/index.ts";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ServerEnvironment } from "../env.ts";
import { TLS_FILES } from "../runtime/data-layout.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import type { SandboxInForce } from "../workers/index.ts";
import { applicationPorts, createApplicationPort } from "./application-port.ts";
import { AttemptReports } from "./attempt-reports.ts";
import { firstRegulator, openComponent, secureRandom } from "./component.ts";
import { ExecutionPools } from "./execution-pools.ts";
import { finishedInput, readValue, startOf } from "./execution-values.ts";

type ExecuteEffect = Extract<ExecutionServerEffect, { kind: "execute" }>;
type FinishedInput = Omit<Extract<ExecutionServerInput, { kind: "finished" }>, "now" | "wall">;

/** Seams between shell, workers and links; the honest server passes everything through unchanged. */
export interface ExecutionServerSeams {
  readonly provided: (effect: ExecuteEffect) => void;
  readonly finished: (effect: ExecuteEffect, input: FinishedInput) => FinishedInput;
  readonly sent: (effect: SendEffect) => readonly SendEffect["message"][];
  readonly arrived: (from: Sender, message: ToExecutionServer) => readonly ToExecutionServer[];
  /** What the workers load. */
  readonly application: LoadedApplication;
}

export type SeamsFactory = (tools: {
  readonly application: LoadedApplication;
  readonly sign: (digest: string) => string;
  readonly send: (to: ServerName, message: AnyMessage) => void;
  readonly sendFrame: (to: ServerName, frame: Uint8Array) => void;
}) => ExecutionServerSeams;

const honest: SeamsFactory = ({ application }) => ({
  provided: () => {},
  finished: (_effect, input) => input,
  sent: ({ message }) => [message],
  arrived: (_from, message) => [message],
  application,
});

export async function runExecutionServer(
  environment: ServerEnvironment,
  makeSeams: SeamsFactory = honest,
): Promise<void> {
  const { server, settings, application, applications, hasher } = openComponent(environment);
  const evidenceKey = join(server.layout.tls(environment.node, environment.server), TLS_FILES.evidenceKey);
  let signEvidence: ReturnType<typeof openEvidenceSigner> | undefined;
  /** The key is laid down with the certificate: later than this, and before there is any work to sign. */
  const sign = (digest: string): string => {
    signEvidence ??= openEvidenceSigner(readFileSync(evidenceKey, "utf8"));
    return signEvidence(Buffer.from(digest, "hex")).toString("hex");
  };
  const seams = makeSeams({
    application,
    sign,
    send: (to, message) => server.send(to, message),
    sendFrame: (to, frame) => server.sendFrame(to, frame),
  });
  const core = createExecutionServer(
    { hasher, ...applicationPorts(applications, hasher), random: secureRandom, sign },
    { self: environment.server, trafficRegulator: firstRegulator(settings) },
  );
  const running = new Map<string, ExecuteEffect>();
  const attempts = new AttemptReports(() => server.healthChanged());
  /** Work waits until a worker has loaded the application: the regulator's deadlines do not wait for it. */
  const pools = new ExecutionPools({
    applications,
    runs: (version) => (version.hash === application.hash ? seams.application : version),
    handlers: {
      onRead: (execution, object) => driver.input({ kind: "read", execution, object }),
      onFinished: (execution, output) => {
        const effect = running.get(execution);
        running.delete(execution);
        if (effect) driver.input(seams.finished(effect, finishedInput(contractOf(effect), execution, output)));
      },
      onFailed: (execution, reason, detail, alsoInside) => {
        running.delete(execution);
        driver.input({ kind: "failed", execution, reason, detail, alsoInside: requestsOf(running, alsoInside) });
      },
      onAttempt: (attempt) => attempts.note(attempt),
    },
    onWarm: () => server.healthChanged(),
  });
  applications.onLoaded((loaded) =>
    driver.input({ kind: "loaded", application: createApplicationPort(loaded, hasher) }),
  );
  const contractOf = (effect: ExecuteEffect | undefined): ContractJson =>
    (applications.of(effect?.applicationVersion ?? "") ?? application).contract;
  const driver = new Driver<ExecutionServerInput, ExecutionServerEffect>({
    core,
    journal: undefined,
    codec: recordCodec,
    send: (effect) => {
      for (const message of seams.sent(effect)) server.send(effect.to, message);
    },
    perform: (effect) => {
      if (effect.kind === "execute") {
        running.set(effect.execution, effect);
        seams.provided(effect);
        // The core has the contract of the version, so its bundle was here when it started.
        assert(pools.start(effect.applicationVersion, startOf(contractOf(effect), effect)), "the bundle is here");
      } else if (effect.kind === "provide") {
        const contract = contractOf(running.get(effect.execution));
        const { value, schema } = readValue(contract, effect.object, effect.bytes);
        pools.provide(effect.execution, effect.object, value, schema);
      } else {
        running.delete(effect.execution);
        pools.cancel(effect.execution);
      }
    },
  });
  server.onStop(() => pools.close());
  server.onStop(async () => attempts.close());
  server.onStop(async () => driver.stop());
  await driver.start();
  await server.open({
    onMessage: (from, message) => {
      for (const heard of seams.arrived(from, message as ToExecutionServer))
        driver.input({ kind: "message", from, message: heard });
    },
  });
  server.reportHealth(() => ({
    ready: pools.warm.length > 0,
    applications: pools.warm,
    role: "executor",
    counters: { steps: driver.steps, running: running.size },
    confinement: confinementOf(pools.sandbox),
    attempts: attempts.take(),
    processes: pools
      .status()
      .flatMap(({ pid }, index) =>
        pid === undefined ? [] : [{ name: `${environment.server}/worker-${index + 1}`, pid }],
      ),
  }));
}

const confinementOf = (inForce: SandboxInForce): Confinement => ({
  means: [
    ...(inForce.bubblewrap ? ["bubblewrap"] : []),
    ...(inForce.seccomp ? ["seccomp filter"] : []),
    ...(inForce.networkNamespace ? ["no network"] : []),
    ...(inForce.processNamespace ? ["no other processes"] : []),
    "node permission model",
    ...(inForce.resourceLimits ? ["resource limits"] : []),
    ...(inForce.controlGroup ? ["control group"] : []),
    ...(inForce.endsWithShell ? ["ends with its shell"] : []),
  ],
  sentence: inForce.description,
});

const requestsOf = (running: Map<string, ExecuteEffect>, executions: readonly string[]): RequestId[] =>
  executions.flatMap((execution) => {
    const effect = running.get(execution);
    running.delete(execution);
    return effect ? [effect.requestId] : [];
  });
