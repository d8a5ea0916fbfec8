import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { createTestAuthority, type TestAuthority, type TestIdentity } from "../testing/test-authority.ts";
import { waitUntil } from "../testing/wait.ts";
import { CONNECTIONS_PER_PEER_MAX, type LinkServer, listenForLinks, PeerLinks, Revocations } from "./index.ts";

const ADDRESS = "127.0.1.3";
let scratch: TemporaryDirectory;
let authority: TestAuthority;
let server: LinkServer;
let revocations: Revocations;
let frames: string[];
let violations: string[];
const links: PeerLinks[] = [];
const sockets: TLSSocket[] = [];

beforeEach(async () => {
  scratch = temporaryDirectory();
  authority = await createTestAuthority(join(scratch.path, "ca"));
  revocations = new Revocations();
  frames = [];
  violations = [];
  const identity = await authority.identity("state-replica", "state-replica-1");
  server = await listenForLinks({
    clusterName: "test",
    address: ADDRESS,
    port: 0,
    identity: { ...identity, authorityPem: authority.certificatePem },
    revocations,
    frameBytesMax: 1_000,
    onFrame: (peer, frame) => frames.push(`${peer.server}: ${frame.toString("latin1")}`),
    onViolation: (peer, reason) => violations.push(`${peer?.server ?? "nobody"}: ${reason}`),
  });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const each of links.splice(0)) await each.close();
  await server.close();
  scratch.remove();
});

/** A connection made by hand, as an attacker would. */
function dialRaw(identity: TestIdentity | undefined, version: "TLSv1.2" | "TLSv1.3" = "TLSv1.3"): TLSSocket {
  const socket = connect({
    host: ADDRESS,
    port: server.port,
    ...(identity === undefined ? {} : { cert: identity.certificatePem, key: identity.privateKeyPem }),
    ca: authority.certificatePem,
    minVersion: version,
    maxVersion: version,
    checkServerIdentity: () => undefined,
  });
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

/** Unlike `once` this does not mind the error that comes before the close. */
function closed(socket: Socket): Promise<void> {
  // What is not read is not noticed to have ended.
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function dial(identity: TestIdentity, server_ = "state-replica-1", component = "state-replica", options = {}) {
  const problems: string[] = [];
  const peers = new PeerLinks({
    clusterName: "test",
    identity: { ...identity, authorityPem: authority.certificatePem },
    onViolation: (_peer, reason) => problems.push(reason),
    ...options,
  });
  links.push(peers);
  peers.setPeers(new Map([[server_, { address: ADDRESS, port: server.port, component }]]));
  peers.send(server_, Buffer.from("hello"));
  return { peers, problems };
}

describe("a link server", () => {
  it("refuses every certificate that does not name exactly one server of this cluster, before any frame", async () => {
    const good = "spiffe://test/execution-server/execution-server-1";
    const irregular = [
      await authority.irregularIdentity([]),
      await authority.irregularIdentity([good, "spiffe://test/state-master/state-master-1"]),
      await authority.irregularIdentity(["spiffe://other/execution-server/execution-server-1"]),
      await authority.irregularIdentity(["spiffe://test/execution-server"]),
    ];
    for (const [index, identity] of irregular.entries()) {
      const socket = dialRaw(identity);
      socket.write(Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from("hi")]));
      await closed(socket);
      await waitUntil(() => violations.length === index + 1, "the report");
    }
    expect(violations.every((violation) => violation.startsWith("nobody: "))).toBe(true);
    expect(frames).toEqual([]);
    expect(server.statistics).toMatchObject({ connections: 0, violations: 4 });
  });

  it("refuses no certificate, another authority's, an expired one, and an older TLS", async () => {
    const otherAuthority = await createTestAuthority(join(scratch.path, "other"));
    const expired = await authority.identity("execution-server", "execution-server-1", 1 / 3_600_000);
    // A certificate counts whole seconds, and holds to the end of its last one.
    const expiredAtMs = Date.parse(new X509Certificate(expired.certificatePem).validTo) + 1_000;
    await waitUntil(() => Date.now() > expiredAtMs, "the end of a certificate");
    const stranger = await otherAuthority.identity("execution-server", "execution-server-1");
    const good = await authority.identity("execution-server", "execution-server-1");
    const attempts = [dialRaw(undefined), dialRaw(stranger), dialRaw(expired), dialRaw(good, "TLSv1.2")];
    await Promise.all(attempts.map(closed));
    await waitUntil(() => violations.length === attempts.length, "the reports");
    const text = violations.sort().join("\n");
    for (const reason of ["did not return a certificate", "(CERT_HAS_EXPIRED)", "unsupported protocol"]) {
      expect(text).toContain(reason);
    }
    expect(text).toMatch(
      /refused \((UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|CERT_SIGNATURE_FAILURE)\)/,
    );
    expect(server.statistics.connections).toBe(0);
  });

  it("closes the connections of a certificate when it is revoked, and takes no new one with it", async () => {
    const identity = await authority.identity("execution-server", "execution-server-1");
    const { peers } = dial(identity);
    await waitUntil(() => frames.length === 1, "a frame");
    revocations.add([identity.serial.toLowerCase()]);
    await waitUntil(() => server.statistics.connections === 0, "the connection is closed");
    peers.send("state-replica-1", Buffer.from("again"));
    await waitUntil(() => violations.some((violation) => violation.includes("is revoked")), "the refusal");
    expect(frames).toHaveLength(1);
    const fresh = await authority.identity("execution-server", "execution-server-1");
    dial(fresh);
    await waitUntil(() => frames.length === 2, "a frame with a fresh certificate");
  });

  it("closes and reports a peer that sends garbage or an oversized frame, and keeps serving the others", async () => {
    const other = dial(await authority.identity("state-master", "state-master-1"));
    await waitUntil(() => frames.length === 1, "a frame of the other");
    const identity = await authority.identity("execution-server", "execution-server-1");
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), Buffer.from([0xe9, 3, 0, 0]), Buffer.alloc(8)]) {
      const before = violations.length;
      const socket = dialRaw(identity);
      socket.write(bytes);
      await closed(socket);
      await waitUntil(() => violations.length === before + 1, "the report");
    }
    expect(violations).toEqual([
      "execution-server-1: frame exceeds the limit",
      "execution-server-1: frame exceeds the limit",
      "execution-server-1: frame is empty",
    ]);
    other.peers.send("state-replica-1", Buffer.from("still here"));
    await waitUntil(() => frames.length === 2, "another frame of the other");
  });

  it("survives plain TCP garbage, resets and connections that never speak", async () => {
    const silent = connectTcp(server.port, ADDRESS);
    const garbage = connectTcp(server.port, ADDRESS);
    silent.on("error", () => undefined);
    garbage.on("error", () => undefined);
    garbage.write(Buffer.alloc(1_000, 0x41));
    await closed(garbage);
    silent.resetAndDestroy();
    dial(await authority.identity("execution-server", "execution-server-1"));
    await waitUntil(() => frames.length === 1, "a frame of an honest server");
  });

  it("does not report a peer that hangs up in the middle of the handshake", async () => {
    const socket = dialRaw(await authority.identity("execution-server", "execution-server-1"));
    await once(socket, "connect");
    socket.destroy();
    dial(await authority.identity("state-master", "state-master-1"));
    await waitUntil(() => frames.length === 1, "a frame of another");
    expect(violations).toEqual([]);
  });

  it("counts every attempt without a certificate but reports only some, so that nobody can fill our logs", async () => {
    const attempts = Array.from({ length: 60 }, () => dialRaw(undefined));
    await Promise.all(attempts.map(closed));
    await waitUntil(() => server.statistics.violations === 60, "all are counted");
    expect(violations.length).toBeGreaterThanOrEqual(10);
    // The attempts take less than two seconds; a slower machine may see another second begin or two.
    expect(violations.length).toBeLessThanOrEqual(40);
  });

  it("lets one server hold only a few connections", async () => {
    const identity = await authority.identity("execution-server", "execution-server-1");
    for (let index = 0; index < 10; index++) await once(dialRaw(identity), "secureConnect");
    await waitUntil(() => sockets.filter((socket) => socket.destroyed).length >= 6, "the surplus is closed");
    expect(server.statistics.connections).toBeLessThanOrEqual(CONNECTIONS_PER_PEER_MAX);
  });
});

describe("dialling", () => {
  it("sends nothing to a server that is not the one that was dialled, or of another component", async () => {
    const identity = await authority.identity("execution-server", "execution-server-1");
    const wrongServer = dial(identity, "state-replica-2");
    const wrongComponent = dial(identity, "state-replica-1", "state-master");
    await waitUntil(() => wrongServer.problems.length > 0 && wrongComponent.problems.length > 0, "both reports");
    expect(wrongServer.problems[0]).toBe(
      "state-replica/state-replica-1 answered where state-replica/state-replica-2 was dialled",
    );
    expect(wrongComponent.problems[0]).toContain("where state-master/state-replica-1 was dialled");
    expect(frames).toEqual([]);
  });

  it("sends nothing to a server with a revoked certificate, and leaves one that becomes revoked", async () => {
    const own = new Revocations();
    const identity = await authority.identity("execution-server", "execution-server-1");
    const connected: string[] = [];
    const disconnected: string[] = [];
    const { peers, problems } = dial(identity, "state-replica-1", "state-replica", {
      revocations: own,
      onPeerConnected: (peer: { serial: string }) => connected.push(peer.serial),
      onPeerDisconnected: (peer: { serial: string }) => disconnected.push(peer.serial),
    });
    await waitUntil(() => frames.length === 1, "a frame");
    own.add(connected);
    await waitUntil(() => disconnected.length === 1, "the connection is closed");
    peers.send("state-replica-1", Buffer.from("secret"));
    await waitUntil(() => problems.some((problem) => problem.includes("is revoked")), "the refusal");
    expect(frames).toHaveLength(1);
  });

  it("does not believe a server of another cluster's authority", async () => {
    const otherAuthority = await createTestAuthority(join(scratch.path, "other"));
    const identity = await authority.identity("execution-server", "execution-server-1");
    const problems: string[] = [];
    const peers = new PeerLinks({
      clusterName: "test",
      identity: { ...identity, authorityPem: otherAuthority.certificatePem },
      onViolation: (_peer, reason) => problems.push(reason),
    });
    links.push(peers);
    peers.setPeers(new Map([["state-replica-1", { address: ADDRESS, port: server.port, component: "state-replica" }]]));
    peers.send("state-replica-1", Buffer.from("secret"));
    await waitUntil(() => peers.statistics.dials >= 3, "several attempts");
    expect(problems[0]).toMatch(/^dialling state-replica\/state-replica-1: the certificate is refused \([A-Z_]+\)$/);
    expect(peers.statistics.connectedPeers).toBe(0);
    expect(frames).toEqual([]);
  });

  it("waits longer and longer for a peer that refuses our certificate after the handshake", async () => {
    const identity = await authority.identity("execution-server", "execution-server-1");
    revocations.add([identity.serial]);
    const { peers } = dial(identity);
    const timer = setInterval(() => peers.send("state-replica-1", Buffer.from("x")), 1);
    const startedAt = performance.now();
    await waitUntil(() => performance.now() - startedAt > 1_000, "a second of attempts").finally(() =>
      clearInterval(timer),
    );
    expect(peers.statistics.dials).toBeGreaterThan(2);
    expect(peers.statistics.dials).toBeLessThan(12);
  });
});
