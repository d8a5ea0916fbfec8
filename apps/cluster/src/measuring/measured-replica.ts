/**
 * A state replica as its process has it (core, journal with its archive, checkpoints, the index of confidential texts), without links
 * and without the acceptance tests' thread. For measurements.
 */
import { join } from "node:path";
import {
  createStateReplica,
  type StateReplica,
  type StateReplicaDurable,
  type StateReplicaEffect,
  type StateReplicaInput,
} from "@redoubt/protocol";
import type { AnyMessage } from "@redoubt/shared";
import { type Journal, openJournal } from "../adapters/journal/index.ts";
import { loadApplication } from "../applications/load-application.ts";
import { createApplicationPort } from "../components/application-port.ts";
import { ConfidentialTexts } from "../components/confidential-texts.ts";
import { Driver } from "../runtime/driver.ts";
import { createHasher } from "../runtime/hasher.ts";
import { recordCodec } from "../runtime/record-codec.ts";
import { MASTERS, MEMBERS, REGULATOR } from "./load-maker.ts";

/** As state-replica.ts has it. */
const KEEP_SEGMENTS = 64;

export interface MeasuredReplica {
  readonly core: StateReplica;
  readonly journal: Journal;
  readonly driver: Driver<StateReplicaInput, StateReplicaEffect>;
  readonly started: { readonly records: number; readonly replayed: number; readonly replayMs: number };
  readonly application: ReturnType<typeof createApplicationPort>;
  readonly applicationVersion: string;
  readonly hasher: ReturnType<typeof createHasher>;
}

/** Opens the replica in `folder` (`journal/` and `application/<hash>`). `onSent` sees every message. */
export async function openMeasuredReplica(
  folder: string,
  applicationHash: string,
  onSent: (message: AnyMessage) => void,
): Promise<MeasuredReplica> {
  const loaded = loadApplication(join(folder, "application", applicationHash));
  const hasher = createHasher();
  const application = createApplicationPort(loaded, hasher);
  const [self] = MEMBERS;
  const core = createStateReplica(
    { hasher, application },
    { self, masters: MASTERS, trafficRegulator: REGULATOR, hostsAcceptanceTests: false },
  );
  const journal = await openJournal({ directory: join(folder, "journal"), keepSegments: KEEP_SEGMENTS });
  const confidential = new ConfidentialTexts(loaded.contract);
  const driver = new Driver<StateReplicaInput, StateReplicaEffect>({
    core,
    journal,
    codec: recordCodec,
    send: ({ message }) => onSent(message),
    perform: () => undefined,
    checkpoints: {
      owner: "measured replica",
      companion: {
        recorded(record) {
          const durable = record as StateReplicaDurable;
          if (durable.kind === "accepted" || durable.kind === "fetched") confidential.stored(durable.record);
          else if (durable.kind === "applied") confidential.decided(durable.slot.decisions);
        },
        save: () => confidential.save(),
        restore: (parts) => confidential.restore(parts),
        started: () => confidential.started(),
      },
    },
  });
  return { core, journal, driver, started: await driver.start(), application, applicationVersion: loaded.hash, hasher };
}
