/**
 * Words of execution servers that answer nothing (REQUIREMENTS R48, R49, A22, A23): about requests that never were, results of
 * shadow runs nobody ordered, and far too many of any kind. What the regulator hears itself needs no second witness: the
 * link names the sender. What a member tells needs t+1 of them.
 */
import type {
  ExecutionFailedMessage,
  RegulatorConfigurationMessage,
  RequestId,
  ServerName,
  ShadowVerdictMessage,
} from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import type { Sender } from "../core.ts";
import { vouching } from "../quorum.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { Regulator } from "./context.ts";
import { discardServer } from "./failures.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";

/** Failures one process may tell: everything it may hold at once, and more than it could run. */
const TOLD = { capacity: 1_024, perSecond: 256 };
const RUN_NAME = /^([0-9a-f]{64})\/([0-9]{1,9})$/;

/** True when it is to be dropped. */
export function isFlooding(
  regulator: Regulator,
  from: Sender,
  { requestId, attempt }: ExecutionFailedMessage,
): boolean {
  const process = regulator.servers.get(from.server);
  if (!process) return true;
  process.told ??= new TokenBucket(TOLD, regulator.now);
  if (process.told.take(regulator.now)) return false;
  convictByHearing(regulator, from.server, "flood", { requestId, attempt }, "more failures than it can have");
  return true;
}

const isUnheardOf = ({ logs }: Regulator, requestId: RequestId): boolean =>
  logs.which(requestId) === undefined && !logs.seen.mayHave(requestId);

/** A failure of a request that was never admitted. True when it was one. */
export function isInvented(
  regulator: Regulator,
  from: Sender,
  { requestId, attempt }: ExecutionFailedMessage,
): boolean {
  if (!isUnheardOf(regulator, requestId)) return false;
  const detail = "it tells of a request that was never dispatched";
  convictByHearing(regulator, from.server, "fabricated-reply", { requestId, attempt }, detail);
  return true;
}

function convictByHearing(
  regulator: Regulator,
  server: ServerName,
  act: "flood" | "fabricated-reply",
  about: { readonly requestId: RequestId; readonly attempt: number },
  detail: string,
): void {
  const process = regulator.servers.get(server);
  if (!process) return;
  const reporter = regulator.settings.self;
  noteMisbehaviour(regulator, { server, component: "execution-server", act, reporter, ...about, detail, proven: true });
  discardServer(regulator, process, about.requestId, { detector: "refusal", check: act, detail });
}

/** A tester was shown the result of a shadow run that is not under way: late, or nobody ever ordered it. */
export function onUnknownRun(
  regulator: Regulator,
  from: Sender,
  { run, executionServer: server }: ShadowVerdictMessage,
): void {
  const { wanted } = regulator;
  const [, id, number] = RUN_NAME.exec(run) ?? [];
  const requestId = (id ?? ZERO_DIGEST) as string as RequestId;
  const attempt = Number(number ?? 0);
  const current = id === undefined ? undefined : regulator.logs.pending(requestId)?.current;
  const isDispatch = current?.number === attempt && current.server === server;
  if (id !== undefined && !isDispatch && !isUnheardOf(regulator, requestId)) return;
  const process = regulator.servers.get(server);
  if (!process || !wanted) return;
  process.inventedBy.add(from.server);
  if (!isVouchedFor(wanted, process.inventedBy)) return;
  const detail = "t+1 testers were shown a result of a shadow run that was never ordered";
  discardServer(regulator, process, requestId, { detector: "refusal", check: "fabricated-reply", detail });
}

/**
 * Members and acceptance test servers are counted apart: of each kind so many may lie, and no more, and some of both must
 * not together be taken for a majority of honest ones.
 */
function isVouchedFor(
  { members, acceptanceTestServers, faultsTolerated, acceptanceFaultsTolerated = 0 }: RegulatorConfigurationMessage,
  witnesses: ReadonlySet<ServerName>,
): boolean {
  const among = (servers: readonly ServerName[]) => servers.filter((server) => witnesses.has(server)).length;
  const testersNeeded = vouching(Math.max(faultsTolerated, acceptanceFaultsTolerated));
  return among(members) >= vouching(faultsTolerated) || among(acceptanceTestServers) >= testersNeeded;
}
