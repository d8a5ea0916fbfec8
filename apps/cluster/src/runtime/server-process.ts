/**
 * What every server process has in common: its identity on the links, the directory of its peers, health reports to the
 * manager, orderly shutdown. It carries messages; what they mean is the component's business.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AnyMessage,
  type ApplicationDirectory,
  type AttemptReport,
  type Component,
  type Confinement,
  type ControlMessage,
  type DirectoryMessage,
  isComponent,
  isControlKind,
  type PeerAddress,
  type ServerCondition,
  type ServerHealthMessage,
  type ServerName,
} from "@redoubt/shared";
import type { Logger } from "pino";
import { type LinkIdentity, type LinkServer, listenForLinks, PeerLinks, Revocations } from "../adapters/link/index.ts";
import { createLogger } from "../adapters/logging/index.ts";
import type { ServerEnvironment } from "../env.ts";
import { dataLayout, TLS_FILES } from "./data-layout.ts";
import { IDENTITY_LOOK_MS, identityLaidDown, identityTime } from "./identity-renewal.ts";
import { decodeMessage, encodeMessage, type WireMessage } from "./wire.ts";

const HEALTH_INTERVAL_MS = 1_000;
const VIOLATIONS_MAX = 64;
const VIOLATIONS_TOLD_AFTER_MS = 100;

export interface ServerProcessHandlers {
  readonly onMessage: (from: { component: Component; server: ServerName }, message: AnyMessage) => void;
  readonly onControl?: (from: { component: Component; server: ServerName }, message: ControlMessage) => void;
  readonly onPeerConnected?: (server: ServerName, component: Component) => void;
}

export interface HealthPart {
  readonly ready: boolean;
  readonly role: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly confinement?: Confinement;
  /** Told once: whoever gives them forgets them. */
  readonly attempts?: readonly AttemptReport[];
  readonly applications?: readonly string[];
}

/** Reads what the node agent has laid down for this server. */
export function readLinkIdentity(folder: string): LinkIdentity {
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  return {
    certificatePem: read(TLS_FILES.certificate),
    privateKeyPem: read(TLS_FILES.privateKey),
    authorityPem: read(TLS_FILES.authority),
  };
}

export class ServerProcess {
  readonly environment: ServerEnvironment;
  readonly log: Logger;
  readonly layout: ReturnType<typeof dataLayout>;
  #links: PeerLinks | undefined;
  #listener: LinkServer | undefined;
  readonly #revocations = new Revocations();
  #directoryVersion = -1;
  #peers: readonly PeerAddress[] = [];
  #applications: ApplicationDirectory | undefined;
  readonly #applicationListeners: ((applications: ApplicationDirectory) => void)[] = [];
  #violations: { at: number; peer: string; reason: string }[] = [];
  #violationsTimer: NodeJS.Timeout | undefined;
  #healthTimer: NodeJS.Timeout | undefined;
  #reportNow: (() => void) | undefined;
  #stopping: (() => Promise<void>)[] = [];
  readonly #heldBack = new Set<string>();
  #condition: ServerCondition | undefined;

  constructor(environment: ServerEnvironment) {
    this.environment = environment;
    this.log = createLogger({ name: environment.server, level: environment.logLevel });
    this.layout = dataLayout(environment.data);
  }

  get peers(): readonly PeerAddress[] {
    return this.#peers;
  }

  /** Opens the links. The directory comes from the file the agent keeps, then from the manager. */
  async open(handlers: ServerProcessHandlers): Promise<void> {
    const { cluster, node, server, address, port } = this.environment;
    await identityLaidDown(this.layout.tls(node, server));
    const identity = readLinkIdentity(this.layout.tls(node, server));
    this.#links = new PeerLinks({
      clusterName: cluster,
      identity,
      localAddress: address,
      revocations: this.#revocations,
      onViolation: (peer, reason) => this.#violation(peer?.server ?? "unknown", reason),
      onPeerConnected: (peer) => {
        if (isComponent(peer.component)) handlers.onPeerConnected?.(peer.server, peer.component);
      },
    });
    this.#loadDirectory();
    this.#listener = await listenForLinks({
      clusterName: cluster,
      address,
      port,
      identity,
      revocations: this.#revocations,
      onViolation: (peer, reason) => this.#violation(peer?.server ?? "unknown", reason),
      // Who dials us is up again: what waits for it leaves now, not after the pause of the last failure.
      onPeerConnected: (peer) => this.#links?.wake(peer.server),
      onFrame: (peer, frame) => {
        if (!isComponent(peer.component)) {
          this.#violation(peer.server, `unknown component ${peer.component}`);
          return;
        }
        const from = { component: peer.component, server: peer.server };
        const decoded = decodeMessage(frame, from.component, this.environment.component);
        if (!decoded.ok) {
          this.#violation(peer.server, decoded.reason);
          this.#listener?.disconnect(peer.server);
          return;
        }
        const { message } = decoded;
        if (!isControlKind(message.kind)) handlers.onMessage(from, message as AnyMessage);
        else if (message.kind === "directory") this.takeDirectory(message);
        else handlers.onControl?.(from, message as ControlMessage);
      },
    });
    if (this.#heldBack.size > 0) this.#listener.pause();
    this.#watchIdentity(this.layout.tls(node, server));
    this.onStop(() => this.#listener?.close() ?? Promise.resolve());
    this.onStop(async () => this.#links?.close());
  }

  send(to: ServerName, message: WireMessage): void {
    this.sendFrame(to, encodeMessage(message));
  }

  /** For what is encoded already. */
  sendFrame(to: ServerName, frame: Uint8Array): void {
    this.#links?.send(to, frame);
  }

  /** Stops reading from all peers while there is a reason why this server cannot keep up, and goes on when there is none any more. */
  holdBack(isHigh: boolean, reason: "backlog" | "disk-full" = "backlog"): void {
    const wasHeld = this.#heldBack.size > 0;
    if (isHigh) this.#heldBack.add(reason);
    else this.#heldBack.delete(reason);
    if (this.#heldBack.size > 0 && !wasHeld) this.#listener?.pause();
    else if (this.#heldBack.size === 0 && wasHeld) this.#listener?.resume();
  }

  /** What the manager is told besides the component's own report, until it is over. */
  setCondition(condition: ServerCondition | undefined): void {
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.healthChanged();
  }

  get condition(): ServerCondition | undefined {
    return this.#condition;
  }

  /** Newer directories replace older ones; the same or an older version is ignored. */
  takeDirectory(directory: DirectoryMessage): void {
    if (directory.version <= this.#directoryVersion) return;
    this.#directoryVersion = directory.version;
    this.#peers = directory.peers;
    this.#takeApplications(directory.applications);
    this.#revocations.replace(directory.revokedSerials);
    const addresses = directory.peers
      .filter((peer) => peer.server !== this.environment.server)
      .map((peer) => [peer.server, { address: peer.address, port: peer.port, component: peer.component }] as const);
    this.#links?.setPeers(new Map(addresses));
  }

  /** Called for every list of versions that differs from the one before, and at once for one that is known. */
  onApplications(listener: (applications: ApplicationDirectory) => void): void {
    this.#applicationListeners.push(listener);
    if (this.#applications) listener(this.#applications);
  }

  #takeApplications(applications: ApplicationDirectory | undefined): void {
    if (!applications || JSON.stringify(applications) === JSON.stringify(this.#applications)) return;
    this.#applications = applications;
    for (const listener of this.#applicationListeners) listener(applications);
  }

  /** Tells the manager every second how this server is. */
  reportHealth(part: () => HealthPart): void {
    const report = (): void => {
      const { server, incarnation } = this.environment;
      const message: ServerHealthMessage = {
        kind: "serverHealth",
        server,
        incarnation,
        pid: process.pid,
        violations: this.#violations.splice(0),
        ...part(),
        ...(this.#condition && { condition: this.#condition }),
      };
      for (const peer of this.#peers) if (peer.component === "configuration-manager") this.send(peer.server, message);
    };
    report();
    this.#reportNow = report;
    this.#healthTimer = setInterval(report, HEALTH_INTERVAL_MS);
    this.onStop(async () => {
      clearInterval(this.#healthTimer);
      clearTimeout(this.#violationsTimer);
    });
  }

  /** Something that others wait for has changed: the report does not wait for its time. */
  healthChanged(): void {
    this.#reportNow?.();
  }

  /** Runs at SIGTERM, last registered first. */
  onStop(stop: () => Promise<void>): void {
    this.#stopping.push(stop);
  }

  async stop(): Promise<void> {
    const stopping = this.#stopping.reverse();
    this.#stopping = [];
    for (const stop of stopping) await stop().catch((error: unknown) => this.log.warn({ error }, "stopping"));
  }

  /** Takes up a certificate that was laid down beside the old one. */
  #watchIdentity(folder: string): void {
    let knownTime = identityTime(folder);
    const look = (): void => {
      const time = identityTime(folder);
      if (time === undefined || time === knownTime) return;
      try {
        const identity = readLinkIdentity(folder);
        this.#links?.updateIdentity(identity);
        this.#listener?.updateIdentity(identity);
        knownTime = time;
        this.log.info("a new certificate is in use");
      } catch (error) {
        this.log.warn({ error: error instanceof Error ? error.message : error }, "a new certificate is not usable yet");
      }
    };
    const timer = setInterval(look, IDENTITY_LOOK_MS);
    this.onStop(async () => clearInterval(timer));
  }

  #violation(peer: string, reason: string): void {
    this.log.warn({ peer, reason }, "link violation");
    if (this.#violations.length < VIOLATIONS_MAX) this.#violations.push({ at: Date.now(), peer, reason });
    // Told at once, with what else comes in a moment; a peer that goes on cannot make us report more often than this.
    this.#violationsTimer ??= setTimeout(() => {
      this.#violationsTimer = undefined;
      this.healthChanged();
    }, VIOLATIONS_TOLD_AFTER_MS);
  }

  #loadDirectory(): void {
    const directory = this.storedDirectory;
    if (directory) this.takeDirectory(directory);
  }

  /** As the node's agent has it on disk: what a server knows before it has heard from the manager. */
  get storedDirectory(): DirectoryMessage | undefined {
    const file = this.layout.membership(this.environment.node);
    if (!existsSync(file)) return undefined;
    return (JSON.parse(readFileSync(file, "utf8")) as { directory?: DirectoryMessage }).directory;
  }
}

/** Ends the process in order on SIGTERM and SIGINT, and at once on what nobody caught. */
export function handleSignals(server: ServerProcess): void {
  const end = (): void => {
    server.stop().finally(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
  process.on("uncaughtException", (error) => {
    server.log.fatal({ error: error.stack }, "uncaught exception");
    process.exit(70);
  });
  process.on("unhandledRejection", (reason) => {
    server.log.fatal({ error: reason instanceof Error ? reason.stack : reason }, "unhandled rejection");
    process.exit(70);
  });
}
