import { describe, expect, it } from "vitest";
import { seededRandom } from "../testing/crash-test-payload.ts";
import { FrameDecoder } from "./frames.ts";

function encode(frame: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(frame.length);
  return Buffer.concat([header, frame]);
}

function decode(pieces: Iterable<Buffer>, frameBytesMax = 1_000_000) {
  const frames: Buffer[] = [];
  const decoder = new FrameDecoder(frameBytesMax, (frame) => frames.push(Buffer.from(frame)));
  let violation: string | undefined;
  for (const piece of pieces) violation = decoder.push(piece);
  return { frames, violation };
}

describe("FrameDecoder", () => {
  it("gives the same frames however the stream is cut into pieces", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const frames = Array.from({ length: 1 + below(30) }, () =>
        Buffer.alloc(1 + below(random() < 0.1 ? 300_000 : 40), below(256)),
      );
      const stream = Buffer.concat(frames.map(encode));
      const pieceBytesMax = [1, 3, 16, 1_000, 70_000, 1_000_000][below(6)] as number;
      const pieces: Buffer[] = [];
      if (pieceBytesMax < 16 && stream.length > 20_000) continue;
      for (let at = 0; at < stream.length; ) {
        const next = Math.min(stream.length, at + 1 + below(pieceBytesMax));
        pieces.push(stream.subarray(at, next));
        at = next;
      }
      const decoded = decode(pieces);
      expect(decoded.violation, `seed ${seed}`).toBeUndefined();
      expect(Buffer.concat(decoded.frames.map(encode)).equals(stream), `seed ${seed}`).toBe(true);
    }
  });

  it("reports a frame that is too long or empty, keeps the frames before it and decodes nothing after it", () => {
    const good = encode(Buffer.from("good"));
    expect(decode([Buffer.concat([good, encode(Buffer.alloc(101)), good])], 100)).toEqual({
      frames: [Buffer.from("good")],
      violation: "frame exceeds the limit",
    });
    expect(decode([good, encode(Buffer.alloc(0)), good], 100)).toEqual({
      frames: [Buffer.from("good")],
      violation: "frame is empty",
    });
    expect(decode([encode(Buffer.alloc(100))], 100).violation).toBeUndefined();
  });

  it("allocates in proportion to what came, not to what a length claims", () => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(1_000_000_000);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => new FrameDecoder(1_000_000_000, () => undefined));
    for (const decoder of decoders) {
      decoder.push(header);
      decoder.push(Buffer.alloc(10));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 200_000);
    expect(decoders).toHaveLength(50);
  });
});
