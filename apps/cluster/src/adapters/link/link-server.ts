/**
 * The receiving end of links: accepts connections from servers of the cluster and hands their frames on, with the name their certificate proves.
 *
 * Links are simplex: whoever dials sends, and nothing is ever sent back on the same connection. It knows no messages; which component
 * may send what is decided above it, by the identity it reports, and `disconnect` closes what is found out there.
 * Nothing that comes in can end the process: bad certificates, garbage and oversized frames close the connection and are reported.
 */
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { PeerIdentity } from "../certificates/index.ts";
import { DEFAULT_FRAME_BYTES_MAX, FrameDecoder } from "./frames.ts";
import { Revocations } from "./revocations.ts";
import { closeAtExpiry, identifyPeer, type LinkIdentity, secureContextOptions } from "./tls.ts";

export const DEFAULT_CONNECTIONS_MAX = 512;
export const CONNECTIONS_PER_PEER_MAX = 4;
/** Whoever reaches the port can fail at it as often as they like; our logs must not grow with that. */
export const NAMELESS_REPORTS_PER_SECOND_MAX = 10;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_DELAY_MS = 10_000;

export interface LinkServerOptions {
  readonly clusterName: string;
  readonly address: string;
  /** 0 lets the system choose; see `port`. */
  readonly port: number;
  readonly identity: LinkIdentity;
  /** The frame may be a view into a larger piece of memory: copy what is kept for long. */
  readonly onFrame: (peer: PeerIdentity, frame: Buffer) => void;
  /**
   * A connection was closed because of what the other end did; `peer` is undefined if it never proved a name.
   * Of the nameless at most 10 a second are reported; the statistics count all.
   */
  readonly onViolation: (peer: PeerIdentity | undefined, reason: string) => void;
  readonly onPeerConnected?: (peer: PeerIdentity) => void;
  readonly onPeerDisconnected?: (peer: PeerIdentity) => void;
  readonly revocations?: Revocations;
  /** Default 4 MiB. */
  readonly frameBytesMax?: number;
  /** Default 512. */
  readonly connectionsMax?: number;
}

export interface LinkServerStatistics {
  readonly connections: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** All of them, those that were not reported too. */
  readonly violations: number;
}

interface Connection {
  readonly socket: TLSSocket;
  readonly peer: PeerIdentity;
}

/** Starts to listen. Rejects with the system's error (EADDRINUSE, …). */
export async function listenForLinks(options: LinkServerOptions): Promise<LinkServer> {
  const server = createServer({
    ...secureContextOptions(options.identity),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  server.maxConnections = options.connectionsMax ?? DEFAULT_CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.address, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  return new LinkServer(server, options);
}

export class LinkServer {
  readonly #server: Server;
  readonly #options: LinkServerOptions;
  readonly #revocations: Revocations;
  readonly #unsubscribe: () => void;
  readonly #connections = new Set<Connection>();
  /** All TCP connections, those that have not proved a name yet too. */
  readonly #sockets = new Set<Socket>();
  #isPaused = false;
  #framesIn = 0;
  #bytesIn = 0;
  #violations = 0;
  #namelessSecond = 0;
  #namelessReports = 0;

  /** Use listenForLinks. */
  constructor(server: Server, options: LinkServerOptions) {
    this.#server = server;
    this.#options = options;
    this.#revocations = options.revocations ?? new Revocations();
    this.#unsubscribe = this.#revocations.subscribe(() => this.#closeRevoked());
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("secureConnection", (socket) => this.#accept(socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => this.#reportHandshake(error, socket));
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get statistics(): LinkServerStatistics {
    return {
      connections: this.#connections.size,
      framesIn: this.#framesIn,
      bytesIn: this.#bytesIn,
      violations: this.#violations,
    };
  }

  /** Whoever is connected now, one entry for each connection. */
  get peers(): readonly PeerIdentity[] {
    return [...this.#connections].map(({ peer }) => peer);
  }

  #report(peer: PeerIdentity, reason: string): void {
    this.#violations++;
    this.#options.onViolation(peer, reason);
  }

  #reportHandshake(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    // A certificate that does not verify ends the handshake as a hang-up on our side; only this field tells.
    const refused: Error | string | null = socket.authorizationError;
    if (refused) this.#reportNameless(`handshake failed: the certificate is refused (${String(refused)})`);
    // Hanging up in the middle is rude but no violation: an honest peer that is being stopped does it too.
    else if (error.code !== "ECONNRESET") this.#reportNameless(`handshake failed: ${error.message.trim()}`);
  }

  #reportNameless(reason: string): void {
    this.#violations++;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#namelessSecond) {
      this.#namelessSecond = second;
      this.#namelessReports = 0;
    }
    if (this.#namelessReports++ < NAMELESS_REPORTS_PER_SECOND_MAX) this.#options.onViolation(undefined, reason);
  }

  #accept(socket: TLSSocket): void {
    // Without a listener an error of the connection (a reset, say) would end the process. 'close' follows it.
    socket.on("error", () => undefined);
    const parsed = identifyPeer(socket, this.#options.clusterName, this.#revocations);
    if (!parsed.ok) {
      socket.destroy();
      this.#reportNameless(parsed.reason);
      return;
    }
    const connection: Connection = { socket, peer: parsed.identity };
    this.#closeOldest(parsed.identity);
    this.#connections.add(connection);
    const cancelExpiry = closeAtExpiry(parsed.expiresAtMs, () => socket.destroy());
    socket.on("close", () => {
      cancelExpiry();
      this.#connections.delete(connection);
      this.#options.onPeerDisconnected?.(connection.peer);
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    this.#options.onPeerConnected?.(connection.peer);
    this.#readFrames(connection);
  }

  #readFrames({ socket, peer }: Connection): void {
    const decoder = new FrameDecoder(this.#options.frameBytesMax ?? DEFAULT_FRAME_BYTES_MAX, (frame) => {
      // The handler of an earlier frame of the same piece may have closed the connection: then the rest does not count.
      if (socket.destroyed) return;
      this.#framesIn++;
      this.#options.onFrame(peer, frame);
    });
    socket.on("data", (piece: Buffer) => {
      if (socket.destroyed) return;
      this.#bytesIn += piece.length;
      const violation = decoder.push(piece);
      if (violation === undefined || socket.destroyed) return;
      socket.destroy();
      this.#report(peer, violation);
    });
    if (this.#isPaused) socket.pause();
  }

  /** One server needs one connection; a few overlap while it restarts. More are somebody's attempt to use up ours. */
  #closeOldest(peer: PeerIdentity): void {
    const same = [...this.#connections].filter(
      (other) => other.peer.server === peer.server && other.peer.component === peer.component,
    );
    if (same.length >= CONNECTIONS_PER_PEER_MAX) same[0]?.socket.destroy();
  }

  #closeRevoked(): void {
    for (const { socket, peer } of this.#connections) if (this.#revocations.has(peer.serial)) socket.destroy();
  }

  /** Closes all connections of a server. */
  disconnect(server: string): void {
    for (const { socket, peer } of this.#connections) if (peer.server === server) socket.destroy();
  }

  /** Stops reading from all peers, so that TCP slows them down; for an owner that cannot keep up. */
  pause(): void {
    this.#isPaused = true;
    for (const { socket } of this.#connections) socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const { socket } of this.#connections) socket.resume();
  }

  /** New connections are accepted with this certificate; those that exist stay. */
  updateIdentity(identity: LinkIdentity): void {
    this.#server.setSecureContext(secureContextOptions(identity));
  }

  /** Closes the port and all connections. */
  async close(): Promise<void> {
    this.#unsubscribe();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.#connections) socket.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
