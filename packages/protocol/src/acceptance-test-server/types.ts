/** Inputs and effects of the acceptance test server (basic profile). Types only. It keeps nothing durable. */
import type { ServerName, ToAcceptanceTestServer } from "@redoubt/shared";
import type {
  AcceptanceTestEffect,
  AcceptanceTestedInput,
  ApplicationLoadedInput,
  ApplicationPort,
} from "../application-port.ts";
import type { CommonInput, Hasher, Instant, SendEffect } from "../core.ts";

export interface AcceptanceTestServerDependencies {
  readonly hasher: Hasher;
  readonly application: ApplicationPort;
  /** Further versions of it that are at hand from the start. */
  readonly otherVersions?: readonly ApplicationPort[];
}

export interface AcceptanceTestServerConfiguration {
  readonly self: ServerName;
  readonly masters: readonly ServerName[];
  /** Regulator to answer to before the stream has named a primary. */
  readonly trafficRegulator: ServerName;
}

export type AcceptanceTestServerInput =
  | CommonInput<ToAcceptanceTestServer, never>
  | (Instant & AcceptanceTestedInput)
  | (Instant & ApplicationLoadedInput);

export type AcceptanceTestServerEffect = SendEffect | AcceptanceTestEffect;
