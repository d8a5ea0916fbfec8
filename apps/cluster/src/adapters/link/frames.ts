/**
 * Frames on a link: u32 length (little endian) and that many bytes.
 *
 * The decoder takes the stream in whatever pieces the network makes of it. A frame that lies whole in one piece is a view into it; one that is
 * spread over several is collected in memory of its own, each byte copied once. What a length claims is never allocated before
 * bytes to fill it have come, so that a peer pays in traffic for the memory it makes us use.
 */

export const FRAME_HEADER_BYTES = 4;
export const DEFAULT_FRAME_BYTES_MAX = 4 * 1024 * 1024;
const FIRST_ALLOCATION_BYTES = 65_536;

/** What the stream did that no honest peer does. */
export type FrameViolation = "frame is empty" | "frame exceeds the limit";

export class FrameDecoder {
  readonly #frameBytesMax: number;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The frame being collected, growing towards #frameBytes. */
  #partial: Buffer | undefined;
  #partialBytes = 0;
  #frameBytes = 0;
  #violation: FrameViolation | undefined;

  constructor(frameBytesMax: number, onFrame: (frame: Buffer) => void) {
    this.#frameBytesMax = frameBytesMax;
    this.#onFrame = onFrame;
  }

  /** Takes the next piece; calls onFrame for each frame it completes. Returns a violation, after which nothing is decoded any more. */
  push(piece: Buffer): FrameViolation | undefined {
    let at = 0;
    while (at < piece.length && this.#violation === undefined) {
      at = this.#partial === undefined ? this.#startFrame(piece, at) : this.#continueFrame(piece, at);
    }
    return this.#violation;
  }

  /** Reads a header, and the frame behind it if it is all here. Returns how far the piece is used up. */
  #startFrame(piece: Buffer, start: number): number {
    let at = start;
    let frameBytes: number;
    if (this.#headerBytes === 0 && piece.length - at >= FRAME_HEADER_BYTES) {
      frameBytes = piece.readUInt32LE(at);
      at += FRAME_HEADER_BYTES;
    } else {
      const taken = piece.copy(this.#header, this.#headerBytes, at, at + FRAME_HEADER_BYTES - this.#headerBytes);
      this.#headerBytes += taken;
      at += taken;
      if (this.#headerBytes < FRAME_HEADER_BYTES) return at;
      frameBytes = this.#header.readUInt32LE(0);
      this.#headerBytes = 0;
    }
    if (frameBytes === 0 || frameBytes > this.#frameBytesMax) {
      this.#violation = frameBytes === 0 ? "frame is empty" : "frame exceeds the limit";
      return at;
    }
    const end = at + frameBytes;
    if (end <= piece.length) {
      this.#onFrame(piece.subarray(at, end));
      return end;
    }
    this.#frameBytes = frameBytes;
    this.#partialBytes = 0;
    this.#partial = Buffer.allocUnsafeSlow(Math.min(frameBytes, FIRST_ALLOCATION_BYTES));
    return at;
  }

  #continueFrame(piece: Buffer, at: number): number {
    let partial = this.#partial as Buffer;
    const end = Math.min(piece.length, at + this.#frameBytes - this.#partialBytes);
    const needed = this.#partialBytes + end - at;
    if (needed > partial.length) {
      // Doubling keeps the copying proportional to what has come.
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#frameBytes, Math.max(needed, partial.length * 2)));
      partial.copy(grown, 0, 0, this.#partialBytes);
      partial = grown;
      this.#partial = grown;
    }
    piece.copy(partial, this.#partialBytes, at, end);
    this.#partialBytes = needed;
    if (needed === this.#frameBytes) {
      this.#partial = undefined;
      this.#onFrame(partial);
    }
    return end;
  }
}
