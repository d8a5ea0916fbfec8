/** Inputs and effects of the execution server. Types only. It has no durable records: a new process starts empty. */
import type { ExecutionFailedMessage, RequestId, ServerName, ToExecutionServer } from "@redoubt/shared";
import type { ApplicationLoadedInput, ApplicationPort } from "../application-port.ts";
import type { CommonInput, Hasher, Instant, Random, SendEffect } from "../core.ts";

export interface ExecutionServerDependencies {
  readonly hasher: Hasher;
  readonly application: ApplicationPort;
  /** Further versions of it that are at hand from the start. */
  readonly otherVersions?: readonly ApplicationPort[];
  readonly random: Random;
  /** Ed25519 signature of the 32 bytes of a digest (64 hexadecimal digits), as hexadecimal text. */
  sign(digest: string): string;
}

export interface ExecutionServerConfiguration {
  readonly self: ServerName;
  /** Regulator to report to before anybody has dispatched. */
  readonly trafficRegulator: ServerName;
}

/** An object's value given to a worker: canonical JSON text, null when it does not exist. */
export interface ProvidedObject {
  readonly object: string;
  readonly bytes: string | null;
}

export type ExecutionServerInput =
  | CommonInput<ToExecutionServer, never>
  | (Instant & ApplicationLoadedInput)
  /** The transaction asks for an object that was not provided with `execute`. */
  | (Instant & { readonly kind: "read"; readonly execution: string; readonly object: string })
  | (Instant & {
      readonly kind: "finished";
      readonly execution: string;
      /** `body`: canonical JSON text. */
      readonly reply: { readonly status: number; readonly body: string };
      /** Objects the transaction really read. */
      readonly reads: readonly string[];
      /** `value`: canonical JSON text. */
      readonly writes: readonly { readonly object: string; readonly value: string }[];
    })
  | (Instant & {
      readonly kind: "failed";
      readonly execution: string;
      readonly reason: Exclude<ExecutionFailedMessage["reason"], "refused" | "stale">;
      readonly detail: string;
      readonly alsoInside: readonly RequestId[];
    });

export type ExecutionServerEffect =
  | SendEffect
  /** Run the handler in a worker; answered by `finished` or `failed` unless cancelled first. */
  | {
      readonly kind: "execute";
      readonly execution: string;
      readonly applicationVersion: string;
      readonly operation: string;
      readonly input: string;
      readonly principal: string;
      readonly now: number;
      readonly seed: string;
      readonly requestId: RequestId;
      readonly provided: readonly ProvidedObject[];
      /** In a fresh worker of its own that is thrown away afterwards. */
      readonly disposable: boolean;
      readonly deadlineMs: number;
    }
  | ({ readonly kind: "provide"; readonly execution: string } & ProvidedObject)
  | { readonly kind: "cancel"; readonly execution: string };
