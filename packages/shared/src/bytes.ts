/**
 * Canonical byte encoding: every field length-prefixed (the ‖ of PROTOCOL.md), numbers as 8-byte big-endian integers,
 * digests as 32 raw bytes. Used for everything that is hashed and for the hand-laid frames of the request path.
 */
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true });

const DIGEST_BYTES = 32;
const CODE_OF = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const NO_DIGIT = 0xff;
/** By code of the character. */
const DIGIT_OF = new Uint8Array(0x1_0000).fill(NO_DIGIT);
for (const [digit, code] of CODE_OF.entries()) DIGIT_OF[code] = digit;
/** Used again for every digest that is read. */
const DIGEST_CODES: number[] = new Array(2 * DIGEST_BYTES).fill(0);

/**
 * Small writers take their room from a common block, because an array of its own costs more than what is written into it. A block is
 * never used twice: bytes that {@link ByteWriter.finish} gave stay what they are.
 */
const BLOCK_BYTES = 65_536;
const SMALL_BYTES_MAX = 4_096;
/** Texts up to this many characters are written one by one, which for them is faster than the encoder. */
const SHORT_TEXT = 80;

interface Block {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Everything from here on is free. */
  used: number;
}

function newBlock(size: number): Block {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer), used: 0 };
}

let common = newBlock(BLOCK_BYTES);

export class ByteWriter {
  #block: Block;
  #bytes: Uint8Array;
  #view: DataView;
  /** Where in the block this writer's room starts, the next byte goes, and its room ends. */
  #start: number;
  #at: number;
  #end: number;

  constructor(capacity = 1024) {
    if (capacity > SMALL_BYTES_MAX) this.#block = newBlock(capacity);
    else {
      if (common.used + capacity > BLOCK_BYTES) common = newBlock(BLOCK_BYTES);
      this.#block = common;
    }
    this.#bytes = this.#block.bytes;
    this.#view = this.#block.view;
    this.#start = this.#block.used;
    this.#at = this.#start;
    this.#end = this.#start + capacity;
    this.#block.used = this.#end;
  }

  /** Takes room for `bytes` more and says where it is. */
  #room(bytes: number): number {
    if (this.#at + bytes > this.#end) this.#grow(bytes);
    const at = this.#at;
    this.#at = at + bytes;
    return at;
  }

  /** Moves to a block of its own. */
  #grow(bytes: number): void {
    const length = this.#at - this.#start;
    const grown = newBlock(Math.max((this.#end - this.#start) * 2, length + bytes));
    grown.bytes.set(this.#bytes.subarray(this.#start, this.#at));
    grown.used = grown.bytes.length;
    this.#block = grown;
    this.#bytes = grown.bytes;
    this.#view = grown.view;
    this.#start = 0;
    this.#at = length;
    this.#end = grown.used;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
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
    const written = this.#writeShort(value, at + 4) ?? this.#encode(value, at + 4);
    this.#view.setUint32(at, written);
    this.#at = at + 4 + written;
    return this;
  }

  /** Undefined for a text that is long or has characters beyond ASCII; what is written then counts for nothing. */
  #writeShort(value: string, at: number): number | undefined {
    const { length } = value;
    if (length > SHORT_TEXT) return undefined;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return undefined;
      this.#bytes[at + index] = code;
    }
    return length;
  }

  #encode(value: string, at: number): number {
    return textEncoder.encodeInto(value, this.#bytes.subarray(at, this.#end)).written;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** 64 hexadecimal digits as 32 raw bytes, without a length. */
  digest(value: string): this {
    const at = this.#room(DIGEST_BYTES);
    let digits = value.length === 2 * DIGEST_BYTES ? 0 : NO_DIGIT;
    for (let index = 0; index < DIGEST_BYTES; index++) {
      const high = DIGIT_OF[value.charCodeAt(index * 2)] as number;
      const low = DIGIT_OF[value.charCodeAt(index * 2 + 1)] as number;
      digits |= high | low;
      this.#bytes[at + index] = (high << 4) | low;
    }
    if (digits >= 16) throw new RangeError("not a lower-case hexadecimal digest");
    return this;
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.u32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** What was written. Nothing may be written after it. */
  finish(): Uint8Array {
    // The rest of the room goes back, if nobody has taken any behind it.
    if (this.#block.used === this.#end) this.#block.used = this.#at;
    this.#end = this.#at;
    return this.#bytes.subarray(this.#start, this.#at);
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
    const at = this.#take(DIGEST_BYTES);
    for (let index = 0; index < DIGEST_BYTES; index++) {
      const byte = this.#buffer[at + index] as number;
      DIGEST_CODES[index * 2] = CODE_OF[byte >>> 4] as number;
      DIGEST_CODES[index * 2 + 1] = CODE_OF[byte & 15] as number;
    }
    // In one piece: a text put together bit by bit stays a tree of its pieces until somebody reads it.
    return String.fromCharCode.apply(undefined, DIGEST_CODES);
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

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => textEncoder.encode(text);

/** Text of UTF-8 bytes. Throws a TypeError on bytes that are none. */
export const fromUtf8 = (bytes: Uint8Array): string => textDecoder.decode(bytes);
