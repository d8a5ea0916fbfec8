/**
 * docs/DRILLS.md, made from what `redoubt drill all --json` reported: nothing in it is written by hand but the words around the
 * table. No date and no host: the same results give the same page.
 */

/**
 * @typedef {object} DrillReport a line of `redoubt drill`
 * @property {string} drill
 * @property {string} title
 * @property {boolean} detected
 * @property {string | null} by
 * @property {{ kind: string, cause: string, measured?: string } | null} evidence
 * @property {number | null} detectedInMs
 * @property {number | null} containedInMs
 * @property {number} wrongReplyReleased
 * @property {number} bystandersHarmed
 * @property {number} requests
 * @property {"detected" | "survived" | "failed" | "open"} verdict
 */

/** @param {DrillReport} report */
const orderOf = ({ drill }) => `${drill[0]}${drill.slice(1).padStart(3, "0")}`;

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** @param {number | null} duration */
const milliseconds = (duration) => (duration === null ? "–" : `${duration}`);

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return Math.round((low + high) / 2);
}

/** @param {DrillReport} report */
function row({
  drill,
  title,
  verdict,
  by,
  evidence,
  detectedInMs,
  containedInMs,
  wrongReplyReleased,
  bystandersHarmed,
  requests,
}) {
  const told = [by ?? "–", evidence?.measured].filter((part) => part !== undefined).join("; ");
  const cells = [drill, cell(title), verdict, cell(told), milliseconds(detectedInMs), milliseconds(containedInMs)];
  return `| ${[...cells, wrongReplyReleased, bystandersHarmed, requests].join(" | ")} |`;
}

/**
 * @param {readonly DrillReport[]} reports
 * @returns {{ detected: number, survived: number, failed: number, open: number, wrongRepliesReleased: number, bystandersHarmed: number, medianDetectionMs: number | null }}
 */
export function summarize(reports) {
  /** @param {string} verdict */
  const count = (verdict) => reports.filter((report) => report.verdict === verdict).length;
  const delays = reports.flatMap(({ detectedInMs, verdict }) =>
    detectedInMs === null || verdict === "survived" ? [] : [detectedInMs],
  );
  return {
    detected: count("detected"),
    survived: count("survived"),
    failed: count("failed"),
    open: count("open"),
    wrongRepliesReleased: reports.reduce((sum, { wrongReplyReleased }) => sum + wrongReplyReleased, 0),
    bystandersHarmed: reports.reduce((sum, report) => sum + report.bystandersHarmed, 0),
    medianDetectionMs: delays.length === 0 ? null : median(delays),
  };
}

/**
 * The page, as markdown.
 * @param {readonly DrillReport[]} reports
 */
export function drillsPage(reports) {
  const sorted = [...reports].sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
  const { detected, survived, failed, open, wrongRepliesReleased, bystandersHarmed, medianDetectionMs } =
    summarize(reports);
  return `# Drills

Made by \`npm run drills -- --write\` from one run of \`redoubt drill all\` on a cluster of its own, with clients of each drill and bystanders asking meanwhile. What a drill is and how it judges: [OPERATIONS.md](OPERATIONS.md) and ADR 0018.

${detected} detected, ${survived} survived, ${failed} failed, ${open} open. Wrong replies released: ${wrongRepliesReleased}. Requests that were not answered rightly in the end: ${bystandersHarmed}. Median detection: ${medianDetectionMs ?? "–"} ms after the first act.

Times are milliseconds on one machine that ran the whole cluster: *detected* from the first act to the event of the manager, *contained* from the first act to a right answer afterwards. *Open* needs what is not built. A drill that failed here
failed in this run, for whatever reason, a busy machine included.

| Drill | What happens | Verdict | By what | Detected | Contained | Wrong replies | Not answered rightly | Requests |
|---|---|---|---|---|---|---|---|---|
${sorted.map(row).join("\n")}

## What the figures do not say

- Requests of bystanders count for every drill that ran at the time, so the sum of the column is more than what was asked; a request that was harmed counts for each of them, too.
- A13: encodings that were not found are named with the replies that carried them. They are the residual risk; these replies are not counted among the wrong ones.
- A18 and A5 are found when a deadline passes (2 s unless the contract says otherwise).
- A36: the bank's acceptance tests have no input on which they die. What is sent is a result nested so deeply that copying it to the acceptance test would exhaust the stack; members refuse it before.
- B1 to B7 are drills of the optimized profile, where the acceptance test is part of the replica. B1 and B5 need an execution server that lies at the same time: their time contains the wait for a request of which the captured replica is a tester.
- B6 is found at the next scrub: its time is a part of the scrub period.
`;
}
