/** Expected outcomes are values (STYLE rule 10): a `Result` is either a value or an error with a stable code. */
export type Result<Value, Failure> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Failure };

export const ok = <Value>(value: Value): Result<Value, never> => ({
  ok: true,
  value,
});

export const fail = <Failure>(error: Failure): Result<never, Failure> => ({
  ok: false,
  error,
});

/** Ends the process on a broken invariant of our own. Never call it on anything a client or an execution server sent. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** Proves at compile time that every case of a union was handled. */
export function unreachable(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}
