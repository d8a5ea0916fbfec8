/**
 * What waits to be sent to one peer: frames, already encoded one behind the other in blocks of memory.
 *
 * The last block is open and fills until it is taken for writing; so all frames of one turn of the event loop are one write, and frames for
 * a peer that cannot be reached fill whole blocks. Beyond the cap the oldest block is dropped: new messages are worth more than old
 * ones, and the protocols repeat what mattered.
 */
import { FRAME_HEADER_BYTES } from "./frames.ts";

const BLOCK_BYTES = 65_536;
const SPARE_BLOCKS_MAX = 64;

/** Encoded frames in one piece of memory. */
export interface FrameBlock {
  readonly bytes: Buffer;
  used: number;
  frames: number;
}

/** Blocks of the usual size go round among all peers of a process. */
export class BlockPool {
  readonly #spare: Buffer[] = [];

  take(bytesMin: number): Buffer {
    if (bytesMin > BLOCK_BYTES) return Buffer.allocUnsafeSlow(bytesMin);
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  give(bytes: Buffer): void {
    if (bytes.length === BLOCK_BYTES && this.#spare.length < SPARE_BLOCKS_MAX) this.#spare.push(bytes);
  }
}

export class SendQueue {
  readonly #pool: BlockPool;
  readonly #bytesMax: number;
  #blocks: FrameBlock[] = [];
  #bytes = 0;
  #droppedFrames = 0;

  constructor(pool: BlockPool, bytesMax: number) {
    this.#pool = pool;
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames dropped because the queue was full. */
  get droppedFrames(): number {
    return this.#droppedFrames;
  }

  /** Copies a frame to the end of the queue. `reserved` bytes of the cap are in use elsewhere (handed to the socket). */
  push(frame: Uint8Array, reserved: number): void {
    const size = FRAME_HEADER_BYTES + frame.length;
    let block = this.#blocks.at(-1);
    if (block === undefined || block.used + size > block.bytes.length) {
      block = { bytes: this.#pool.take(size), used: 0, frames: 0 };
      this.#blocks.push(block);
    }
    block.bytes.writeUInt32LE(frame.length, block.used);
    block.bytes.set(frame, block.used + FRAME_HEADER_BYTES);
    block.used += size;
    block.frames++;
    this.#bytes += size;
    while (this.#bytes + reserved > this.#bytesMax && this.#blocks.length > 1) this.#dropOldest();
  }

  #dropOldest(): void {
    const block = this.#blocks.shift() as FrameBlock;
    this.#bytes -= block.used;
    this.#droppedFrames += block.frames;
    this.#pool.give(block.bytes);
  }

  /** Hands out the oldest blocks, together about `bytesMax` bytes. The taker gives them back to the pool when they are written. */
  take(bytesMax: number): FrameBlock[] {
    let count = 0;
    let bytes = 0;
    for (; count < this.#blocks.length && bytes < bytesMax; count++) bytes += (this.#blocks[count] as FrameBlock).used;
    this.#bytes -= bytes;
    return this.#blocks.splice(0, count);
  }

  /** Drops everything (the peer is no peer any more); counted. */
  clear(): void {
    while (this.#blocks.length > 0) this.#dropOldest();
  }
}
