/**
 * A business refusal, thrown by an operation: the request changes nothing and the client gets the contract's problem
 * document. Recognised by its brand, because a bundled application carries its own copy of this class.
 */
const BRAND = "redoubt.refusal";

export class Refusal extends Error {
  /** Name of the refusal in the operation's contract. */
  readonly refusal: string;
  readonly [BRAND] = true;

  constructor(refusal: string) {
    super(`refused: ${refusal}`);
    this.name = "Refusal";
    this.refusal = refusal;
  }
}

/** The name of the refusal that was thrown, or undefined for any other error. */
export function refusalNameOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !Object.hasOwn(thrown, BRAND)) return undefined;
  const { refusal } = thrown as { refusal?: unknown };
  return typeof refusal === "string" ? refusal : undefined;
}
