/**
 * The sending end of all links of a process: an address book and one PeerLink for each server in it.
 *
 * All frames for a peer in one turn of the event loop leave as one write (measured: 0.6 µs a message instead of 6; PERFORMANCE.md).
 * Sending promises nothing: frames are lost with a connection and dropped beyond a queue's cap, and are never repeated here.
 */
import { createSecureContext } from "node:tls";
import type { PeerIdentity } from "../certificates/index.ts";
import { DEFAULT_FRAME_BYTES_MAX } from "./frames.ts";
import { type PeerAddress, PeerLink, type SharedLinkState } from "./peer-link.ts";
import { Revocations } from "./revocations.ts";
import { BlockPool } from "./send-queue.ts";
import { type LinkIdentity, secureContextOptions } from "./tls.ts";

export const DEFAULT_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
const CLOSE_GRACE_MS = 500;

export interface PeerLinksOptions {
  readonly clusterName: string;
  readonly identity: LinkIdentity;
  /** The address connections come from: the own node's. */
  readonly localAddress?: string;
  readonly revocations?: Revocations;
  /** Bytes that may wait for one peer, default 8 MiB; beyond it the oldest frames are dropped. */
  readonly queueBytesMax?: number;
  /** Sending a longer frame is a bug and throws; default 4 MiB, as at the receiving end. */
  readonly frameBytesMax?: number;
  /** Somebody else answered than was dialled, or the peer sent on our link; the connection is closed. */
  readonly onViolation: (peer: PeerIdentity | undefined, reason: string) => void;
  readonly onPeerConnected?: (peer: PeerIdentity) => void;
  readonly onPeerDisconnected?: (peer: PeerIdentity) => void;
}

export interface PeerLinksStatistics {
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly writes: number;
  readonly dials: number;
  /** Dropped because a queue was full or its server left the address book. */
  readonly droppedFrames: number;
  /** Handed to a connection that then broke; some may have arrived. */
  readonly lostFrames: number;
  /** Sent to a server that is not in the address book. */
  readonly unaddressedFrames: number;
  readonly connectedPeers: number;
  readonly pendingBytes: number;
}

export class PeerLinks {
  readonly #shared: SharedLinkState;
  readonly #frameBytesMax: number;
  readonly #unsubscribe: () => void;
  readonly #links = new Map<string, PeerLink>();
  /** Links of servers that left, until their connections are closed. */
  readonly #closing = new Set<Promise<void>>();
  #toFlush: PeerLink[] = [];
  #droppedWithPeers = 0;
  #unaddressedFrames = 0;

  constructor(options: PeerLinksOptions) {
    const revocations = options.revocations ?? new Revocations();
    this.#frameBytesMax = options.frameBytesMax ?? DEFAULT_FRAME_BYTES_MAX;
    this.#shared = {
      clusterName: options.clusterName,
      localAddress: options.localAddress,
      queueBytesMax: options.queueBytesMax ?? DEFAULT_QUEUE_BYTES_MAX,
      pool: new BlockPool(),
      revocations,
      secureContext: createSecureContext(secureContextOptions(options.identity)),
      counters: { framesOut: 0, bytesOut: 0, writes: 0, dials: 0, lostFrames: 0 },
      onViolation: options.onViolation,
      onPeerConnected: options.onPeerConnected,
      onPeerDisconnected: options.onPeerDisconnected,
    };
    this.#unsubscribe = revocations.subscribe(() => {
      for (const link of this.#links.values()) link.checkRevoked();
    });
  }

  /**
   * Replaces the address book. Servers that left are disconnected and what waits for them is dropped;
   * for those with a new address it is sent there.
   */
  setPeers(peers: ReadonlyMap<string, PeerAddress>): void {
    for (const [server, link] of this.#links) {
      if (peers.has(server)) continue;
      this.#links.delete(server);
      this.#retire(link, 0);
    }
    for (const [server, address] of peers) {
      const link = this.#links.get(server);
      if (link === undefined) this.#links.set(server, new PeerLink(server, address, this.#shared));
      else link.moveTo(address);
    }
  }

  #retire(link: PeerLink, graceMs: number): void {
    const closed = link.close(graceMs).then(() => {
      this.#droppedWithPeers += link.droppedFrames;
      this.#closing.delete(closed);
    });
    this.#closing.add(closed);
  }

  /**
   * Queues a frame (1 byte … frameBytesMax; copied) for the end of this turn of the event loop.
   * False if the server is not in the address book. Throws RangeError for a frame that no receiver would accept.
   */
  send(server: string, frame: Uint8Array): boolean {
    if (frame.length === 0 || frame.length > this.#frameBytesMax) {
      throw new RangeError(`frame is ${frame.length} bytes long, expected 1 … ${this.#frameBytesMax}`);
    }
    const link = this.#links.get(server);
    if (link === undefined) {
      this.#unaddressedFrames++;
      return false;
    }
    link.push(frame);
    if (!link.isFlushQueued) {
      link.isFlushQueued = true;
      this.#toFlush.push(link);
      if (this.#toFlush.length === 1) setImmediate(() => this.#flush());
    }
    return true;
  }

  #flush(): void {
    const links = this.#toFlush;
    this.#toFlush = [];
    for (const link of links) link.flush();
  }

  /** Bytes that wait for a server: what a sender looks at before it sends more. 0 for unknown servers. */
  pendingBytes(server: string): number {
    return this.#links.get(server)?.pendingBytes ?? 0;
  }

  isConnected(server: string): boolean {
    return this.#links.get(server)?.isConnected ?? false;
  }

  /** The server is known to be up (it has dialled us, say): try it at once instead of waiting out the back-off. */
  wake(server: string): void {
    this.#links.get(server)?.wake();
  }

  /** Breaks the connection to a server, which frees one that has fallen silent; the next frame dials again. */
  disconnect(server: string): void {
    this.#links.get(server)?.disconnect();
  }

  /** Dials with this certificate from now on; connections that exist stay. */
  updateIdentity(identity: LinkIdentity): void {
    this.#shared.secureContext = createSecureContext(secureContextOptions(identity));
  }

  get statistics(): PeerLinksStatistics {
    const links = [...this.#links.values()];
    const sum = (count: (link: PeerLink) => number) => links.reduce((total, link) => total + count(link), 0);
    return {
      ...this.#shared.counters,
      droppedFrames: this.#droppedWithPeers + sum((link) => link.droppedFrames),
      unaddressedFrames: this.#unaddressedFrames,
      connectedPeers: sum((link) => Number(link.isConnected)),
      pendingBytes: sum((link) => link.pendingBytes),
    };
  }

  /** Sends what can be sent at once and closes all connections. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#flush();
    for (const link of this.#links.values()) this.#retire(link, CLOSE_GRACE_MS);
    this.#links.clear();
    await Promise.all(this.#closing);
  }
}
