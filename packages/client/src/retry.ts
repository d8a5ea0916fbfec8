/** Whether and when a call is repeated: pure decisions, so that no clock is needed to try them. */

/** Answers after which the same key may be sent again: too many, not ready, outcome unknown (DESIGN §8). */
const RETRIED: ReadonlySet<number> = new Set([429, 503, 504]);

const PAUSE_FIRST_MS = 25;
const PAUSE_MAX_MS = 1_000;
/** A server that asks for a longer pause is asked again after this one. */
const RETRY_AFTER_MAX_MS = 2_000;

export const isRetried = (status: number): boolean => RETRIED.has(status);

/**
 * Pause before attempt number `attempts + 1` in milliseconds; undefined when it would end after the deadline.
 * `retryAfter` is the header as it came (seconds or an HTTP date), `chance` a uniform number in [0, 1) that keeps many
 * clients from coming back at once.
 */
export function pauseBefore(question: {
  readonly attempts: number;
  readonly leftMs: number;
  readonly chance: number;
  readonly retryAfter?: string | undefined;
  /** Milliseconds since 1970, for dates. */
  readonly wallMs: number;
}): number | undefined {
  const { attempts, leftMs, chance } = question;
  const growing = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(attempts - 1, 16));
  const asked = Math.min(RETRY_AFTER_MAX_MS, readRetryAfter(question.retryAfter, question.wallMs) ?? 0);
  const pauseMs = Math.max(asked, growing * (0.5 + chance / 2));
  return pauseMs < leftMs ? pauseMs : undefined;
}

/** Milliseconds; undefined when there is no such header or it says nothing. */
function readRetryAfter(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - wallMs);
}
