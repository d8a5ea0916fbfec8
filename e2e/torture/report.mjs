/** The figures of one run. */

/**
 * @param {readonly number[]} values
 * @param {number} share 0 … 1
 * @returns {number | null} the smallest value that at least that share does not exceed
 */
export function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** @param {readonly number[]} values milliseconds */
const figures = (values) => ({
  count: values.length,
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
  max: percentile(values, 1),
});

/**
 * @template Entry
 * @param {readonly Entry[]} entries
 * @param {(entry: Entry) => string} nameOf
 * @param {(entry: Entry) => number} valueOf
 */
function byName(entries, nameOf, figureOf) {
  const names = [...new Set(entries.map(nameOf))].sort();
  return Object.fromEntries(
    names.map((name) => [name, figures(entries.filter((entry) => nameOf(entry) === name).map(figureOf))]),
  );
}

/**
 * @param {number} seed
 * @param {{ result: any, load: import("./load.mjs").Load, judgement: import("./judgement.mjs").Judgement, seconds: number }} run
 */
export function summary(seed, { result, load, judgement, seconds }) {
  const { lost, doubled, serializable, operations } = judgement;
  // Databases are on no request's path, and everything at once is another matter: both stand by themselves.
  const single = result.restarts.filter((/** @type {any} */ { role }) => role !== "everything" && role !== "database");
  const ms = (/** @type {any} */ entry) => entry.ms;
  const isRight = lost === 0 && doubled === 0 && serializable;
  return {
    passed: isRight && operations > 0 && load.unanswered.length === 0 && load.harmed.length === 0,
    ...{ cycles: result.cycles, operations, lost, doubled, serializable, seconds: Math.round(seconds), seed },
    ...{ kinds: result.kinds, repeated: load.repeated, unanswered: load.unanswered.length, harmed: load.harmed.length },
    restartP99Ms: percentile(single.map(ms), 0.99),
    restartMs: byName(result.restarts, ({ role }) => role, ms),
    withoutAnswerMs: byName(result.gapsMs, ({ kind }) => kind, ms),
    problems: [...judgement.problems, ...load.unanswered, ...load.harmed].slice(0, 20),
  };
}
