/**
 * What happened to a server's process between two reports of its node agent. Reports may be lost and a process may end and
 * be replaced between two of them, so the end of a process is read from what the newer report says of the past as well.
 */
import type { ServerReport } from "@redoubt/shared";

export interface EndedProcess {
  readonly incarnation: string;
  readonly serial: string;
  readonly cause: string;
}

const UNKNOWN = "ended; its node agent did not see how";

/** Processes that have ended since `previous`, each once. */
export function endedBetween(previous: ServerReport | undefined, next: ServerReport): EndedProcess[] {
  const ended = new Map<string, EndedProcess>();
  const gone = previous !== undefined && hadProcess(previous) && !isSameProcess(previous, next);
  if (gone) {
    const cause = next.lastExit?.incarnation === previous.incarnation ? next.lastExit.cause : UNKNOWN;
    ended.set(previous.incarnation, { incarnation: previous.incarnation, serial: previous.serial, cause });
  }
  const { lastExit } = next;
  if (
    lastExit !== undefined &&
    lastExit.incarnation !== "" &&
    isNews(previous, lastExit) &&
    !ended.has(lastExit.incarnation)
  ) {
    ended.set(lastExit.incarnation, { incarnation: lastExit.incarnation, serial: "", cause: lastExit.cause });
  }
  return [...ended.values()];
}

const hadProcess = ({ state, incarnation }: ServerReport): boolean =>
  incarnation !== "" && (state === "running" || state === "isolated");

const isSameProcess = (previous: ServerReport, next: ServerReport): boolean =>
  next.incarnation === previous.incarnation && hadProcess(next);

const isNews = (previous: ServerReport | undefined, lastExit: NonNullable<ServerReport["lastExit"]>): boolean =>
  previous?.lastExit?.incarnation !== lastExit.incarnation;
