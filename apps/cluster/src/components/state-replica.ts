/** The state replica's process: its core, its journal, its links, and (optimized profile) the acceptance test beside it. */
import {
  createStateReplica,
  type StateReplicaDurable,
  type StateReplicaEffect,
  type StateReplicaInput,
} from "@redoubt/protocol";
import type { ToStateReplica } from "@redoubt/shared";
import type { ServerEnvironment } from "../env.ts";
import { Driver } from "../runtime/driver.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { createAcceptanceTesting } from "./acceptance-testing.ts";
import { createApplicationPort } from "./application-port.ts";
import { firstRegulator, openComponent, openServerJournal } from "./component.ts";

export async function runStateReplica(environment: ServerEnvironment): Promise<void> {
  const { server, settings, application, hasher } = openComponent(environment);
  const journal = await openServerJournal(server);
  const core = createStateReplica(
    { hasher, application: createApplicationPort(application.contract, hasher) },
    {
      self: environment.server,
      masters: settings.masters,
      trafficRegulator: firstRegulator(settings),
      hostsAcceptanceTests: settings.profile === "optimized",
    },
  );
  const testing = createAcceptanceTesting(application, (input) => driver.input(input));
  /** The confidentiality index learns from the journal alone, at start and as it grows. */
  const codec = {
    encode(record: unknown) {
      noteStored(record as StateReplicaDurable);
      return recordCodec.encode(record);
    },
    decode(payload: Uint8Array) {
      const record = recordCodec.decode(payload);
      noteStored(record as StateReplicaDurable);
      return record;
    },
  };
  const noteStored = (record: StateReplicaDurable): void => {
    if (record.kind === "accepted" || record.kind === "fetched") testing.stored(record.record);
    else if (record.kind === "applied") testing.decided(record.slot.decisions);
  };
  const driver = new Driver<StateReplicaInput, StateReplicaEffect>({
    core,
    journal,
    codec,
    send: ({ to, message }) => server.send(to, message),
    onPressure: (isHigh) => server.holdBack(isHigh),
    perform: (effect) => {
      if (effect.kind === "test") testing.test(effect);
    },
  });
  server.onStop(() => testing.close());
  server.onStop(async () => driver.stop());
  const { records, replayMs } = await driver.start();
  server.log.info({ records, replayMs }, "journal replayed");
  await server.open({
    onMessage: (from, message) => driver.input({ kind: "message", from, message: message as ToStateReplica }),
  });
  server.reportHealth(() => ({
    ready: true,
    role: "member",
    counters: { steps: driver.steps, records: journal.statistics.records, pendingBytes: journal.pendingBytes },
    processes: [],
  }));
}
