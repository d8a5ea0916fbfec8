/**
 * JSON as clients must send it (RFC 8259, and stricter): no key twice in one object, bounded depth, integers that fit a
 * double exactly. `JSON.parse` accepts all three silently, and each of them lets two readers see two different requests.
 * A key named `__proto__` becomes an ordinary own property.
 */
export interface JsonFault {
  /** Character position in the text, 0 for the first. */
  readonly position: number;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: JsonFault };

export const JSON_DEPTH_MAX = 64;

class Fault extends Error {
  readonly position: number;
  constructor(position: number, message: string) {
    super(message);
    this.position = position;
  }
}

export function parseStrictJson(text: string, depthMax = JSON_DEPTH_MAX): ParsedJson {
  try {
    return { ok: true, value: new Parser(text, depthMax).parse() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { position, message } = error;
    const before = text.slice(0, position);
    const line = before.split("\n").length;
    return { ok: false, fault: { position, line, column: position - before.lastIndexOf("\n"), message } };
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;
const FIRST_PRINTABLE = 0x20;
const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;
const BLANK = /[ \t\n\r]*/y;
const KEY_SHOWN_MAX = 40;

class Parser {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  parse(): unknown {
    const value = this.#value(0);
    this.#skipBlanks();
    if (this.#at < this.#text.length) this.#fail("nothing more expected");
    return value;
  }

  #fail(message: string, position = this.#at): never {
    throw new Fault(position, message);
  }

  #skipBlanks(): void {
    BLANK.lastIndex = this.#at;
    BLANK.test(this.#text);
    this.#at = BLANK.lastIndex;
  }

  /** The next character that is no blank, without taking it. */
  #peek(): string {
    this.#skipBlanks();
    return this.#text.charAt(this.#at);
  }

  #value(depth: number): unknown {
    if (depth > this.#depthMax) this.#fail(`at most ${this.#depthMax} levels expected`);
    switch (this.#peek()) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case "":
        return this.#fail("a value expected, but the text ends");
      default:
        return this.#number();
    }
  }

  #word(word: string, value: unknown): unknown {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("a value expected");
    this.#at += word.length;
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (!match) this.#fail("a value expected");
    const value = Number(match[0]);
    if (!Number.isFinite(value)) this.#fail("a number that a double can hold expected");
    if (INTEGER.test(match[0]) && !Number.isSafeInteger(value))
      this.#fail("an integer between -(2^53-1) and 2^53-1 expected");
    this.#at = NUMBER.lastIndex;
    return value;
  }

  /** Finds the end of the literal by hand (a pattern would backtrack through long texts); escapes are JSON.parse's. */
  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < FIRST_PRINTABLE) this.#fail("no control character in a text expected", at);
      if (code === BACKSLASH) {
        escaped = true;
        at++;
      } else if (code === QUOTATION_MARK) {
        this.#at = at + 1;
        return escaped ? this.#unescape(text.slice(start, at + 1), start) : text.slice(start + 1, at);
      }
    }
    return this.#fail("a text closed by a quotation mark expected", start);
  }

  #unescape(literal: string, position: number): string {
    try {
      return JSON.parse(literal) as string;
    } catch {
      return this.#fail("a text with valid escapes expected", position);
    }
  }

  #array(depth: number): unknown[] {
    this.#at++;
    const items: unknown[] = [];
    if (this.#peek() === "]") {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      const next = this.#peek();
      if (next !== "," && next !== "]") this.#fail("a comma or ] expected");
      this.#at++;
      if (next === "]") return items;
    }
  }

  #object(depth: number): Record<string, unknown> {
    this.#at++;
    const object: Record<string, unknown> = {};
    if (this.#peek() === "}") {
      this.#at++;
      return object;
    }
    for (;;) {
      if (this.#peek() !== '"') this.#fail("a key in quotation marks expected");
      const keyAt = this.#at;
      const key = this.#string();
      if (Object.hasOwn(object, key)) this.#fail(`key ${JSON.stringify(key.slice(0, KEY_SHOWN_MAX))} twice`, keyAt);
      if (this.#peek() !== ":") this.#fail("a colon expected");
      this.#at++;
      const value = this.#value(depth + 1);
      if (key === "__proto__")
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      const next = this.#peek();
      if (next !== "," && next !== "}") this.#fail("a comma or } expected");
      this.#at++;
      if (next === "}") return object;
    }
  }
}
