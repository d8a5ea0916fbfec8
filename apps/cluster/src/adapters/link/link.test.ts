import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { createTestAuthority, type TestAuthority, type TestIdentity } from "../testing/test-authority.ts";
import { waitUntil } from "../testing/wait.ts";
import {
  type LinkServer,
  type LinkServerOptions,
  listenForLinks,
  type PeerIdentity,
  PeerLinks,
  type PeerLinksOptions,
} from "./index.ts";

const ADDRESS = "127.0.1.2";
let scratch: TemporaryDirectory;
let authority: TestAuthority;
const cleanUps: (() => Promise<void>)[] = [];

beforeEach(async () => {
  scratch = temporaryDirectory();
  authority = await createTestAuthority(join(scratch.path, "ca"));
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  scratch.remove();
});

function withAuthority(identity: TestIdentity) {
  return { ...identity, authorityPem: authority.certificatePem };
}

interface Received {
  readonly server: LinkServer;
  readonly frames: { readonly peer: PeerIdentity; readonly text: string }[];
  readonly violations: { readonly peer: PeerIdentity | undefined; readonly reason: string }[];
  readonly connected: string[];
  readonly disconnected: string[];
}

async function listen(options: Partial<LinkServerOptions> = {}): Promise<Received> {
  const received = { frames: [], violations: [], connected: [], disconnected: [] } as Omit<Received, "server">;
  const server = await listenForLinks({
    clusterName: "test",
    address: ADDRESS,
    port: 0,
    identity: withAuthority(await authority.identity("state-replica", "state-replica-1")),
    onFrame: (peer, frame) => received.frames.push({ peer, text: frame.toString("latin1") }),
    onViolation: (peer, reason) => received.violations.push({ peer, reason }),
    onPeerConnected: (peer) => received.connected.push(peer.server),
    onPeerDisconnected: (peer) => received.disconnected.push(peer.server),
    ...options,
  });
  cleanUps.push(() => server.close());
  return { server, ...received };
}

function dialTo(port: number, component = "state-replica", server = "state-replica-1") {
  return new Map([[server, { address: ADDRESS, port, component }]]);
}

async function links(options: Partial<PeerLinksOptions> = {}) {
  const violations: string[] = [];
  const events: string[] = [];
  const peers = new PeerLinks({
    clusterName: "test",
    identity: withAuthority(await authority.identity("execution-server", "execution-server-1")),
    onViolation: (_peer, reason) => violations.push(reason),
    onPeerConnected: (peer) => events.push(`+${peer.server}`),
    onPeerDisconnected: (peer) => events.push(`-${peer.server}`),
    ...options,
  });
  cleanUps.push(() => peers.close());
  return { peers, violations, events };
}

describe("links", () => {
  it("deliver frames in order, with the name the sender's certificate proves", async () => {
    const { server, frames } = await listen();
    const { peers, events } = await links();
    peers.setPeers(dialTo(server.port));
    for (let index = 0; index < 1_000; index++)
      expect(peers.send("state-replica-1", Buffer.from(`frame ${index}`))).toBe(true);
    await waitUntil(() => frames.length === 1_000, "all frames");
    expect(frames.map(({ text }) => text)).toEqual(Array.from({ length: 1_000 }, (_, index) => `frame ${index}`));
    expect(frames[0]?.peer).toMatchObject({ component: "execution-server", server: "execution-server-1" });
    expect(frames[0]?.peer.serial).toMatch(/^[0-9A-F]{32}$/);
    expect(events).toEqual(["+state-replica-1"]);
  });

  it("send all frames of a turn in one write", async () => {
    const { server, frames } = await listen();
    const { peers } = await links();
    peers.setPeers(dialTo(server.port));
    peers.send("state-replica-1", Buffer.from("first"));
    await waitUntil(() => frames.length === 1, "the first frame");
    const before = peers.statistics.writes;
    for (let index = 0; index < 500; index++) peers.send("state-replica-1", Buffer.alloc(100));
    await waitUntil(() => frames.length === 501, "all frames");
    expect(peers.statistics.writes - before).toBe(1);
    expect(peers.statistics).toMatchObject({ framesOut: 501, bytesOut: 501 * 104 - 95, connectedPeers: 1 });
    await waitUntil(() => peers.statistics.pendingBytes === 0, "nothing pending");
    expect(server.statistics).toMatchObject({ framesIn: 501, bytesIn: 501 * 104 - 95, connections: 1 });
  });

  it("carry frames of any size up to the limit, and refuse to send a longer one", async () => {
    const { server, frames } = await listen({ frameBytesMax: 3_000_000 });
    const { peers } = await links({ frameBytesMax: 3_000_000 });
    peers.setPeers(dialTo(server.port));
    const sizes = [1, 65_531, 65_532, 65_533, 3_000_000, 7];
    for (const size of sizes) peers.send("state-replica-1", Buffer.alloc(size, size & 255));
    await waitUntil(() => frames.length === sizes.length, "all frames");
    expect(frames.map(({ text }) => text.length)).toEqual(sizes);
    expect(() => peers.send("state-replica-1", Buffer.alloc(3_000_001))).toThrow("frame is 3000001 bytes long");
    expect(() => peers.send("state-replica-1", Buffer.alloc(0))).toThrow("frame is 0 bytes long");
    expect(peers.send("state-replica-9", Buffer.alloc(1))).toBe(false);
    expect(peers.statistics.unaddressedFrames).toBe(1);
  });

  it("connect again after the other end came back, on the same or on another port", async () => {
    const first = await listen();
    const { peers, events } = await links();
    const { port } = first.server;
    peers.setPeers(dialTo(port));
    peers.send("state-replica-1", Buffer.from("one"));
    await waitUntil(() => first.frames.length === 1, "the first frame");
    await first.server.close();
    await waitUntil(() => events.length === 2, "the disconnection");
    peers.send("state-replica-1", Buffer.from("two"));
    await waitUntil(() => peers.statistics.dials >= 3, "some dials in vain");
    const second = await listen({ port });
    await waitUntil(() => second.frames.length === 1, "the second frame");
    const third = await listen();
    peers.setPeers(dialTo(third.server.port));
    peers.send("state-replica-1", Buffer.from("three"));
    await waitUntil(() => third.frames.length === 1, "the third frame");
    expect([second.frames[0]?.text, third.frames[0]?.text]).toEqual(["two", "three"]);
  });

  it("do not dial, and arm no timer, when there is nothing to send", async () => {
    const { server, frames, disconnected } = await listen();
    const { peers, events } = await links();
    peers.setPeers(dialTo(server.port));
    expect(peers.statistics.dials).toBe(0);
    peers.send("state-replica-1", Buffer.from("one"));
    await waitUntil(() => frames.length === 1, "the frame");
    server.disconnect("execution-server-1");
    await waitUntil(() => events.length === 2 && disconnected.length === 1, "the disconnection");
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    peers.send("state-replica-1", Buffer.from("two"));
    await waitUntil(() => frames.length === 2, "the second frame");
    expect(peers.statistics.dials).toBe(2);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it("drop the oldest frames of a peer that cannot be reached, count them, and deliver the newest", async () => {
    const reserved = await listen();
    const { port } = reserved.server;
    await reserved.server.close();
    const { peers } = await links({ queueBytesMax: 200_000 });
    peers.setPeers(dialTo(port));
    for (let index = 0; index < 1_000; index++) peers.send("state-replica-1", Buffer.alloc(1_000, `${index} `));
    const { droppedFrames, pendingBytes } = peers.statistics;
    expect(pendingBytes).toBeLessThanOrEqual(200_000);
    expect(droppedFrames).toBeGreaterThan(700);
    const { frames } = await listen({ port });
    peers.wake("state-replica-1");
    await waitUntil(() => frames.length === 1_000 - droppedFrames, "the frames that were kept");
    expect(frames.at(-1)?.text.startsWith("999 ")).toBe(true);
    expect(frames[0]?.text.startsWith(`${droppedFrames} `)).toBe(true);
  });

  it("bound what waits for a peer that does not read, and go on when it reads again", async () => {
    const { server, frames, connected } = await listen();
    const { peers } = await links({ queueBytesMax: 4_000_000 });
    peers.setPeers(dialTo(server.port));
    peers.send("state-replica-1", Buffer.from("first"));
    await waitUntil(() => connected.length === 1 && frames.length === 1, "the connection");
    server.pause();
    let sent = 0;
    await waitUntil(() => {
      for (let index = 0; index < 20; index++, sent++) peers.send("state-replica-1", Buffer.alloc(50_000, `${sent} `));
      expect(peers.pendingBytes("state-replica-1")).toBeLessThan(4_200_000);
      return peers.statistics.droppedFrames > 0;
    }, "a full queue");
    server.resume();
    peers.send("state-replica-1", Buffer.from("last"));
    await waitUntil(() => frames.at(-1)?.text === "last", "the last frame");
    expect(frames.length + peers.statistics.droppedFrames).toBe(sent + 2);
  });

  it("serve with a new certificate without a restart, and dial with one", async () => {
    const { server, frames } = await listen();
    const { peers } = await links();
    peers.setPeers(dialTo(server.port));
    peers.send("state-replica-1", Buffer.from("old"));
    await waitUntil(() => frames.length === 1, "a frame");
    server.updateIdentity(withAuthority(await authority.identity("state-replica", "state-replica-1")));
    const renewed = await authority.identity("execution-server", "execution-server-1");
    peers.updateIdentity(withAuthority(renewed));
    peers.disconnect("state-replica-1");
    peers.send("state-replica-1", Buffer.from("new"));
    await waitUntil(() => frames.length === 2, "a frame with the new certificate");
    expect(frames[1]?.peer.serial).toBe(renewed.serial);
    expect(frames[0]?.peer.serial).not.toBe(renewed.serial);
  });

  it("close when the certificate they rest on expires", async () => {
    const { server, frames, disconnected } = await listen();
    const identity = await authority.identity("execution-server", "execution-server-1", 2.5 / 3_600);
    const { peers } = await links({ identity: withAuthority(identity) });
    peers.setPeers(dialTo(server.port));
    peers.send("state-replica-1", Buffer.from("one"));
    await waitUntil(() => frames.length === 1, "the frame");
    await waitUntil(() => disconnected.length === 1, "the end of the certificate");
  });
});
