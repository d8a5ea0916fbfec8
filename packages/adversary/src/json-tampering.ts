/** Small lies in JSON texts that stay well-formed and schema-valid: a number is one more than it should be. */

/** Undefined for what is no JSON: another behaviour may have been at the text before. */
export function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Adds `change` to the first number found (depth first); undefined when there is none. */
export function changeFirstNumber(text: string, change: number): string | undefined {
  const state = { done: false };
  const value = changeIn(parseOrUndefined(text), change, state);
  return state.done ? JSON.stringify(value) : undefined;
}

function changeIn(value: unknown, change: number, state: { done: boolean }): unknown {
  if (state.done) return value;
  if (typeof value === "number") {
    state.done = true;
    return value + change;
  }
  if (Array.isArray(value)) return value.map((item) => changeIn(item, change, state));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, changeIn(item, change, state)]));
  }
  return value;
}

/** Puts `addition` behind the first text found (depth first); undefined when there is none. */
export function extendFirstText(text: string, addition: string): string | undefined {
  const state = { done: false };
  const value = extendIn(parseOrUndefined(text), addition, state);
  return state.done ? JSON.stringify(value) : undefined;
}

function extendIn(value: unknown, addition: string, state: { done: boolean }): unknown {
  if (state.done) return value;
  if (typeof value === "string") {
    state.done = true;
    return `${value}${addition}`;
  }
  if (Array.isArray(value)) return value.map((item) => extendIn(item, addition, state));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, extendIn(item, addition, state)]));
  }
  return value;
}

/** Every text of at least `lengthMin` characters in a JSON text. */
export function textsIn(text: string, lengthMin: number): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "string" && value.length >= lengthMin) found.push(value);
    else if (value !== null && typeof value === "object") for (const item of Object.values(value)) visit(item);
  };
  visit(parseOrUndefined(text));
  return found;
}
