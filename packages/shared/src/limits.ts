/**
 * Every limit in one file, with their relations checked when the file is loaded (STYLE rule 6). Sizes are bytes of
 * UTF-8, durations milliseconds.
 */
export const LIMITS = {
  /** One client request's body. */
  inputBytesMax: 256 * 1024,
  /** One reply, encoded. */
  replyBytesMax: 256 * 1024,
  /** One stored object, encoded. */
  objectBytesMax: 256 * 1024,
  /** Levels of arrays and objects in a reply or stored object; an input may have 64. */
  valueDepthMax: 128,
  /** Objects one request may read or write. */
  objectsPerRequestMax: 512,
  /** One state change on the wire. */
  changeBytesMax: 3 * 1024 * 1024,
  /** One frame between servers. */
  frameBytesMax: 4 * 1024 * 1024,
  /** Client-chosen idempotency key. */
  idempotencyKeyBytesMax: 256,
  /** Replies are remembered for this long after their requests were admitted. */
  idempotencyWindowMs: 24 * 60 * 60 * 1000,
  /** Ids of requests are remembered for so many windows: 410 after the first. */
  idempotencyWindowsKept: 7,
  /** Requests of one client within a window, each of which leaves an id behind; more get 429. */
  requestsPerClientPerWindowMax: 20_000_000,
  objectNameBytesMax: 512,
  /** Undecided requests in L3 before the regulator answers 503. */
  pendingRequestsMax: 4096,
  /** Undecided requests of one client before it gets 429. */
  pendingRequestsPerClientMax: 1024,
  /** Changes a member holds because a predecessor is missing, per sender. */
  heldChangesMax: 4096,
  /** Unlabelled changes a member keeps before it refuses new ones (PROTOCOL §11). */
  unlabelledChangesMax: 16_384,
  /** Attempts of one request before it is regarded as malformed (paper §3.2, REQUIREMENTS R35). */
  attemptsMax: 3,
  defaultDeadlineMs: 2_000,
  /** How long a quarantined request is held for a person where the contract holds and does not say. */
  defaultHoldMs: 60 * 60 * 1000,
  holdMsMin: 1_000,
  holdMsMax: 12 * 60 * 60 * 1000,
  /** An honest execution server's serial gap is older than this: the masters open a new epoch (PROTOCOL §4). */
  gapMs: 200,
  /** An unlabelled change is reported again (PROTOCOL §7). */
  unlabelledMs: 500,
} as const;

const relations: readonly [boolean, string][] = [
  [LIMITS.changeBytesMax < LIMITS.frameBytesMax, "a state change must fit into a frame"],
  [
    LIMITS.inputBytesMax + LIMITS.replyBytesMax + LIMITS.objectBytesMax < LIMITS.changeBytesMax,
    "a small change must fit",
  ],
  [LIMITS.pendingRequestsMax < LIMITS.unlabelledChangesMax, "members must hold everything the regulator admits"],
  [2 * LIMITS.holdMsMax <= LIMITS.idempotencyWindowMs, "the reply of a released request must be there to be fetched"],
  [LIMITS.pendingRequestsPerClientMax < LIMITS.pendingRequestsMax, "one client must not fill L3"],
];
for (const [holds, why] of relations) if (!holds) throw new Error(`limits: ${why}`);
