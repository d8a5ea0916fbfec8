/** Processes of the cluster: starting them detached, recording them under DATA/run, watching, adopting, stopping and freezing them. */
export { isSameProcess, ownProcessIdentity, type ProcessIdentity, readProcessIdentity } from "./process-identity.ts";
export {
  isAlive,
  listProcessRecords,
  type ProcessRecord,
  readProcessRecord,
  recordOwnProcess,
  removeProcessRecord,
  writeProcessRecord,
} from "./process-record.ts";
export {
  DEFAULT_GRACE_MS,
  type EndedLeftovers,
  endLeftovers,
  freeze,
  kill,
  signalProcess,
  stop,
  thaw,
  waitForEnd,
} from "./signals.ts";
export { type ProcessEnd, type ProcessStart, ProcessSupervisor, type SupervisorOptions } from "./supervisor.ts";
