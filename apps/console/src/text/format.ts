/** How numbers, durations and times read. Pure; the same on server and client for the same time zone. */

const plain = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** 12 345 → "12,345". */
export function formatCount(count: number): string {
  return plain.format(count);
}

/** Per second: one decimal below 100, none above; a true zero is "0". */
export function formatRate(ratePerSecond: number): string {
  if (ratePerSecond === 0) return "0";
  return ratePerSecond < 100 ? oneDigit.format(ratePerSecond) : plain.format(ratePerSecond);
}

/** 850 → "850 ms", 1500 → "1.5 s", 250000 → "4 m 10 s", 90000000 → "1 d 1 h". */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 10_000) return `${oneDigit.format(durationMs / 1000)} s`;
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, "m", 1, "s");
  if (seconds < 86_400) return pair(seconds, 3600, "h", 60, "m");
  return pair(seconds, 86_400, "d", 3600, "h");
}

function pair(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small);
  return rest === 0
    ? `${Math.floor(seconds / large)} ${largeUnit}`
    : `${Math.floor(seconds / large)} ${largeUnit} ${rest} ${smallUnit}`;
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? plain.format(value) : oneDigit.format(value)} ${units[unit]}`;
}

/** "1 fault", "2 faults", "no faults". */
export function plural(count: number, singular: string, many = `${singular}s`): string {
  return `${count === 0 ? "no" : plain.format(count)} ${count === 1 ? singular : many}`;
}

const timeParts: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
const dateParts: Intl.DateTimeFormatOptions = { day: "2-digit", month: "short" };

/** Time of day in the zone given (undefined = the reader's), with the date unless it is today's. */
export function formatTime(iso: string, nowMs: number | null, timeZone: string | undefined): string {
  const at = new Date(iso);
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = at.toLocaleTimeString("en-GB", { ...timeParts, ...zone });
  const day = at.toLocaleDateString("en-GB", { ...dateParts, ...zone });
  const today = nowMs === null ? day : new Date(nowMs).toLocaleDateString("en-GB", { ...dateParts, ...zone });
  return day === today ? time : `${day}, ${time}`;
}

/** The unambiguous form, shown on hover: "2026-03-01 12:04:31.250 UTC". */
export function formatUtc(iso: string): string {
  return `${iso.replace("T", " ").replace("Z", "")} UTC`;
}

/** "just now", "12 s ago", "4 m 10 s ago". */
export function formatAgo(iso: string, nowMs: number): string {
  const ageMs = nowMs - Date.parse(iso);
  return ageMs < 2000 ? "just now" : `${formatDuration(ageMs)} ago`;
}

/** "traffic-regulator" → "Traffic regulator". */
export function titleOf(kebab: string): string {
  const words = kebab.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
