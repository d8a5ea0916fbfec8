/**
 * L1 → L3: a held request is admitted once more, under the same id, because an administrator released it (DESIGN §5) or
 * because the masters already have an outcome of it. It is dispatched only when the masters know no outcome, alone in a
 * worker, with an attempt number of its own; if it fails again it is rejected.
 */
import { findAccess } from "./access.ts";
import { makePending, takeIn } from "./admission.ts";
import { append, type Regulator } from "./context.ts";
import type { HeldEntry } from "./held-requests.ts";
import type { PendingRequest } from "./request.ts";
import type { AdmittedRecord } from "./types.ts";
import { applicationOf } from "./versions.ts";

export function readmit(regulator: Regulator, entry: HeldEntry): PendingRequest {
  const { requestId, clientId, key, address, operation, applicationVersion, inputText, inputDigest, hold } = entry;
  const { admittedAt, seed, attempts } = hold;
  const record: AdmittedRecord = {
    kind: "admitted",
    requestId,
    clientId,
    key,
    address,
    operation,
    applicationVersion,
    inputText,
    inputDigest,
    admittedAt,
    seed,
    released: true,
  };
  const found = findAccess(applicationOf(regulator, record), operation, inputText);
  // A contract that no longer has the operation: members refuse it, and it ends by the ordinary rules.
  const access = "problem" in found ? { clusters: [hold.home], home: hold.home } : found;
  const pending: PendingRequest = {
    ...makePending(regulator, record, access, undefined),
    ...{ state: "checking", attempt: attempts },
  };
  regulator.logs.release(requestId);
  takeIn(regulator, pending);
  if (attempts > 0) append(regulator, { kind: "attempt", requestId, attempt: attempts });
  regulator.traffic.count("released-from-quarantine");
  return pending;
}
