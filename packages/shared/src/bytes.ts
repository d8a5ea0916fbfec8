/**
 * Canonical byte encoding: every field length-prefixed (the ‖ of PROTOCOL.md), numbers as 8-byte big-endian integers,
 * digests as 32 raw bytes. Used for everything that is hashed and for the hand-laid frames of the request path.
 */
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true });

export class ByteWriter {
  #buffer: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  #room(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#buffer.length * 2, at + bytes));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = at + bytes;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#buffer[at] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** Non-negative safe integer as 8 bytes. */
  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a non-negative safe integer: ${value}`);
    const at = this.#room(8);
    this.#view.setUint32(at, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(at + 4, value >>> 0);
    return this;
  }

  text(value: string): this {
    const at = this.#room(4 + value.length * 3);
    const { written } = textEncoder.encodeInto(value, this.#buffer.subarray(at + 4));
    this.#view.setUint32(at, written);
    this.#length = at + 4 + written;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** 64 hexadecimal digits as 32 raw bytes, without a length. */
  digest(value: string): this {
    const at = this.#room(32);
    for (let index = 0; index < 32; index++) {
      this.#buffer[at + index] =
        (hexDigit(value.charCodeAt(index * 2)) << 4) | hexDigit(value.charCodeAt(index * 2 + 1));
    }
    return this;
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.u32(items.length);
    for (const item of items) write(item);
    return this;
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Reads what {@link ByteWriter} wrote. Throws {@link RangeError} on anything else; callers at the edge catch it. */
export class ByteReader {
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#buffer.length) throw new RangeError("truncated");
    this.#at = at + bytes;
    return at;
  }

  u8(): number {
    return this.#buffer[this.#take(1)] as number;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  integer(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at) * 0x1_0000_0000 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new RangeError("integer out of range");
    return value;
  }

  text(): string {
    const length = this.u32();
    const at = this.#take(length);
    try {
      return textDecoder.decode(this.#buffer.subarray(at, at + length));
    } catch {
      throw new RangeError("text that is not UTF-8");
    }
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  digest(): string {
    const at = this.#take(32);
    let text = "";
    for (let index = 0; index < 32; index++) text += HEX_BYTES[this.#buffer[at + index] as number];
    return text;
  }

  list<Item>(read: () => Item, countMax: number): Item[] {
    const count = this.u32();
    if (count > countMax) throw new RangeError(`list of ${count}, at most ${countMax} expected`);
    const items: Item[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }

  end(): void {
    if (this.#at !== this.#buffer.length) throw new RangeError("trailing bytes");
  }
}

const HEX_BYTES = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  throw new RangeError("not a lower-case hexadecimal digest");
}

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => textEncoder.encode(text);

/** Text of UTF-8 bytes. Throws a TypeError on bytes that are none. */
export const fromUtf8 = (bytes: Uint8Array): string => textDecoder.decode(bytes);
