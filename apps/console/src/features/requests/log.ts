/** Which of the regulator's logs is looked at, kept in the URL. Pure. */
export const logs = [
  { log: "L2", title: "Verified", sentence: "L2: requests whose replies left, newest first." },
  { log: "L3", title: "Under way", sentence: "L3: admitted and neither answered nor rejected, newest first." },
  { log: "L1", title: "Malformed", sentence: "L1: quarantined requests, and what was refused at the door." },
] as const;

export type LogName = (typeof logs)[number]["log"];

const shown = 100;

export function readLogName(text: unknown): LogName {
  return logs.find(({ log }) => log === text)?.log ?? "L2";
}

export const logInput = (log: LogName) => ({ log, limit: shown });
