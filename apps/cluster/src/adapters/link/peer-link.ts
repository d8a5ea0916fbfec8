/**
 * The sending end of one link: its queue, its connection, and when to dial again.
 *
 * It dials when there is something to send and no connection, and keeps the connection until it breaks. After a failure it waits
 * 20 ms … 1 s, doubling, with jitter; a connection that did not live for a second counts as a failure too, because a peer that refuses
 * our certificate does so only after the handshake looked done from here. Nothing to send, no timer.
 */
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import type { PeerIdentity } from "../certificates/index.ts";
import type { Revocations } from "./revocations.ts";
import { type BlockPool, type FrameBlock, SendQueue } from "./send-queue.ts";
import { closeAtExpiry, identifyPeer } from "./tls.ts";

const RETRY_DELAY_FIRST_MS = 20;
/** A peer that starts again is back within a second or two: whoever waits longer between two attempts makes that twice as long. */
const RETRY_DELAY_MAX_MS = 250;
const SETTLED_AFTER_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
/** What the socket may hold; the rest waits in the queue, where old frames can still be dropped. */
const SOCKET_BYTES_MAX = 1_048_576;

/** Where a server listens, and what its certificate must say beside its name. */
export interface PeerAddress {
  readonly address: string;
  readonly port: number;
  readonly component: string;
}

/** What the links of a process share. */
export interface SharedLinkState {
  readonly clusterName: string;
  readonly localAddress: string | undefined;
  readonly queueBytesMax: number;
  readonly pool: BlockPool;
  readonly revocations: Revocations;
  /** Replaced when the process gets a new certificate. */
  secureContext: SecureContext;
  readonly counters: { framesOut: number; bytesOut: number; writes: number; dials: number; lostFrames: number };
  readonly onViolation: (peer: PeerIdentity | undefined, reason: string) => void;
  readonly onPeerConnected: ((peer: PeerIdentity) => void) | undefined;
  readonly onPeerDisconnected: ((peer: PeerIdentity) => void) | undefined;
}

export class PeerLink {
  readonly server: string;
  /** True while the link waits for this turn's flush. */
  isFlushQueued = false;
  readonly #shared: SharedLinkState;
  readonly #queue: SendQueue;
  #address: PeerAddress;
  #socket: TLSSocket | undefined;
  #peer: PeerIdentity | undefined;
  #bytesInSocket = 0;
  #failures = 0;
  #nextDialAtMs = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #isMoving = false;
  #isClosed = false;

  constructor(server: string, address: PeerAddress, shared: SharedLinkState) {
    this.server = server;
    this.#address = address;
    this.#shared = shared;
    this.#queue = new SendQueue(shared.pool, shared.queueBytesMax);
  }

  get isConnected(): boolean {
    return this.#peer !== undefined;
  }

  /** Bytes that were sent but have not left the process. */
  get pendingBytes(): number {
    return this.#queue.bytes + this.#bytesInSocket;
  }

  get droppedFrames(): number {
    return this.#queue.droppedFrames;
  }

  push(frame: Uint8Array): void {
    this.#queue.push(frame, this.#bytesInSocket);
  }

  /** Writes what has come together, or sees to it that there will be a connection to write it to. */
  flush(): void {
    this.isFlushQueued = false;
    if (this.#queue.bytes === 0 || this.#isClosed) return;
    if (this.#socket === undefined) this.#dialWhenAllowed();
    else if (this.#peer !== undefined && !this.#socket.destroyed) this.#write(this.#socket);
  }

  #write(socket: TLSSocket): void {
    const room = SOCKET_BYTES_MAX - this.#bytesInSocket;
    // With a full socket the end of an earlier write continues here.
    if (room <= 0) return;
    const blocks = this.#queue.take(room);
    if (blocks.length > 1) socket.cork();
    for (const block of blocks) this.#writeBlock(socket, block);
    if (blocks.length > 1) socket.uncork();
    this.#shared.counters.writes++;
  }

  #writeBlock(socket: TLSSocket, block: FrameBlock): void {
    const { counters, pool } = this.#shared;
    counters.framesOut += block.frames;
    counters.bytesOut += block.used;
    this.#bytesInSocket += block.used;
    socket.write(block.bytes.subarray(0, block.used), (error) => {
      this.#bytesInSocket -= block.used;
      if (error != null) counters.lostFrames += block.frames;
      pool.give(block.bytes);
      // Not on 'drain', which comes before this callback and would still find the socket full.
      if (this.#queue.bytes > 0 && !this.isFlushQueued) this.flush();
    });
  }

  #dialWhenAllowed(): void {
    if (this.#retryTimer !== undefined) return;
    const waitMs = this.#nextDialAtMs - performance.now();
    if (waitMs <= 0) {
      this.#dial();
      return;
    }
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.flush();
    }, waitMs);
  }

  #dial(): void {
    const { address, port } = this.#address;
    const { localAddress, secureContext, counters } = this.#shared;
    counters.dials++;
    const socket = connect({
      host: address,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      secureContext,
      rejectUnauthorized: true,
      // The certificate names a server, not a host; #verify checks it before anything is written.
      checkServerIdentity: () => undefined,
    });
    this.#socket = socket;
    let establishedAtMs = Number.POSITIVE_INFINITY;
    let cancelExpiry = () => {};
    socket.setNoDelay(true);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy());
    // 'close' follows every error. Only a certificate that does not verify is worth a word: somebody else listens there.
    socket.on("error", () => {
      const refused: Error | string | null = socket.authorizationError;
      if (refused) this.#reportPeer(`the certificate is refused (${String(refused)})`);
    });
    socket.once("secureConnect", () => {
      socket.setTimeout(0);
      socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
      const expiresAtMs = this.#verify(socket);
      if (expiresAtMs === undefined) return;
      establishedAtMs = performance.now();
      cancelExpiry = closeAtExpiry(expiresAtMs, () => socket.destroy());
      this.flush();
    });
    socket.on("data", () => {
      socket.destroy();
      this.#shared.onViolation(this.#peer, "sent something on a link that is only ours to send on");
    });
    socket.once("close", () => {
      cancelExpiry();
      this.#onClose(performance.now() - establishedAtMs);
    });
  }

  /** Establishes who answered; returns when the certificate expires, or undefined if it is not who was dialled. */
  #verify(socket: TLSSocket): number | undefined {
    const { clusterName, revocations, onViolation, onPeerConnected } = this.#shared;
    const parsed = identifyPeer(socket, clusterName, revocations);
    const { server } = this;
    const { component } = this.#address;
    if (parsed.ok && parsed.identity.server === server && parsed.identity.component === component) {
      this.#peer = parsed.identity;
      onPeerConnected?.(parsed.identity);
      return parsed.expiresAtMs;
    }
    socket.destroy();
    if (parsed.ok) {
      const { identity } = parsed;
      onViolation(
        identity,
        `${identity.component}/${identity.server} answered where ${component}/${server} was dialled`,
      );
    } else {
      this.#reportPeer(parsed.reason);
    }
    return undefined;
  }

  #reportPeer(reason: string): void {
    this.#shared.onViolation(undefined, `dialling ${this.#address.component}/${this.server}: ${reason}`);
  }

  #onClose(livedMs: number): void {
    const peer = this.#peer;
    this.#socket = undefined;
    this.#peer = undefined;
    if (this.#isMoving || livedMs >= SETTLED_AFTER_MS) this.#failures = 0;
    else this.#failures++;
    const delayMs = Math.min(RETRY_DELAY_MAX_MS, RETRY_DELAY_FIRST_MS * 2 ** Math.min(this.#failures, 10));
    this.#nextDialAtMs = this.#isMoving ? 0 : performance.now() + delayMs * (0.5 + Math.random() / 2);
    this.#isMoving = false;
    if (peer !== undefined) this.#shared.onPeerDisconnected?.(peer);
    this.flush();
  }

  /** Closes the connection if it rests on a revoked certificate. */
  checkRevoked(): void {
    if (this.#peer !== undefined && this.#shared.revocations.has(this.#peer.serial)) this.#socket?.destroy();
  }

  /** Forgets earlier failures: the peer is known to be up. */
  wake(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#failures = 0;
    this.#nextDialAtMs = 0;
    this.flush();
  }

  /** The peer listens elsewhere now: what waits goes there. */
  moveTo(address: PeerAddress): void {
    const before = this.#address;
    if (address.address === before.address && address.port === before.port && address.component === before.component)
      return;
    this.#address = address;
    this.#isMoving = this.#socket !== undefined;
    this.#socket?.destroy();
    this.wake();
  }

  /** Breaks the connection; it is dialled again when there is something to send. */
  disconnect(): void {
    this.#socket?.destroy();
  }

  /** Sends what fits, closes the connection after it, and drops the rest. Resolves when the connection is closed. */
  async close(graceMs: number): Promise<void> {
    this.flush();
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#queue.clear();
    const socket = this.#socket;
    if (socket === undefined) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (this.#peer === undefined || graceMs === 0) socket.destroy();
    else socket.end();
    const timer = setTimeout(() => socket.destroy(), graceMs);
    await closed;
    clearTimeout(timer);
  }
}
