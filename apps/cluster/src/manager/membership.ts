/**
 * Which servers there shall be and where: turns wanted degrees into a placement, the placement into a signed order for
 * every node, and keeps everybody's address book current (paper §3.5; PROTOCOL §12). Every change has a larger version;
 * what did not change is not touched.
 */
import { createHash } from "node:crypto";
import { type PlacementFailure, placeServers, type ServerComponent, type WantedCounts } from "@redoubt/protocol";
import { type DirectoryMessage, type MembershipMessage, ok, type Result, type ServerName } from "@redoubt/shared";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { signMembership } from "../node/membership-file.ts";
import type { ServerProcess } from "../runtime/server-process.ts";
import type { CertificateDesk } from "./certificates.ts";
import { type MemoryFile, nextVersion } from "./memory.ts";
import { companionsOf, FIRST_INCARNATION, orderOf, type PlacedServer, peersOf } from "./orders.ts";

/** The process's ends of the links. */
export interface MembershipLinks {
  readonly environment: Pick<ServerProcess["environment"], "server">;
  readonly send: (to: ServerName, message: MembershipMessage | DirectoryMessage) => void;
  readonly takeDirectory: (directory: DirectoryMessage) => void;
}

export class Membership {
  readonly #cluster: ClusterFile;
  readonly #memory: MemoryFile;
  readonly #server: MembershipLinks;
  readonly #certificates: CertificateDesk;
  readonly #signingKey: string;
  readonly #onPlaced: (placement: readonly PlacedServer[]) => void;
  #directory: DirectoryMessage | undefined;
  /** What the current version says, to see whether anything changed. */
  #ordered = "";

  constructor(parts: {
    readonly cluster: ClusterFile;
    readonly memory: MemoryFile;
    readonly server: MembershipLinks;
    readonly certificates: CertificateDesk;
    readonly signingKey: string;
    readonly onPlaced: (placement: readonly PlacedServer[]) => void;
  }) {
    this.#cluster = parts.cluster;
    this.#memory = parts.memory;
    this.#server = parts.server;
    this.#certificates = parts.certificates;
    this.#signingKey = parts.signingKey;
    this.#onPlaced = parts.onPlaced;
  }

  get placement(): readonly PlacedServer[] {
    return this.#memory.value.placement;
  }

  get wanted(): WantedCounts {
    return this.#memory.value.wanted;
  }

  get version(): number {
    return this.#memory.value.membershipVersion;
  }

  get isPlaced(): boolean {
    return this.placement.length > 0;
  }

  get nodes(): { name: string; slots: number }[] {
    return this.#cluster.nodes.map(({ name }) => ({ name, slots: this.#cluster.slotsPerNode }));
  }

  find(server: ServerName): PlacedServer | undefined {
    return this.placement.find((placed) => placed.server === server);
  }

  nodeOf(server: ServerName): string {
    return this.find(server)?.node ?? "unknown";
  }

  of(component: ServerComponent): PlacedServer[] {
    return this.placement.filter((placed) => placed.component === component);
  }

  /** Places the wanted servers; fails, and changes nothing, when slots are missing. */
  want(wanted: WantedCounts): Result<void, PlacementFailure> {
    const current = this.placement;
    const placed = placeServers(this.nodes, wanted, current);
    if (!placed.ok) return placed;
    const before = new Map(current.map((entry) => [entry.server, entry]));
    this.#memory.value.wanted = { ...wanted };
    this.#memory.value.placement = placed.value.map(
      (entry) => before.get(entry.server) ?? { ...entry, incarnation: FIRST_INCARNATION },
    );
    this.#issue();
    return ok(undefined);
  }

  /** Has the server's process replaced by a new one; with `entry` the next process, or every one (`isLasting`), is a drill's. */
  replace(server: ServerName, entry?: string, isLasting = false): boolean {
    const placed = this.#memory.value.placement.find((candidate) => candidate.server === server);
    if (!placed) return false;
    placed.incarnation = nextVersion(0).toString(36);
    if (entry === undefined) delete placed.entry;
    else placed.entry = entry;
    if (isLasting) placed.entryLasts = true;
    else delete placed.entryLasts;
    this.#issue();
    return true;
  }

  /** Has a server ended and kept so, or (undefined) run again. It keeps its place. False when there is none of that name. */
  end(server: ServerName, ended: "stopped" | "killed" | undefined): boolean {
    const placed = this.#memory.value.placement.find((candidate) => candidate.server === server);
    if (!placed) return false;
    if (ended === undefined) delete placed.ended;
    else placed.ended = ended;
    this.#issue();
    return true;
  }

  /** Sends a node its orders when it has older ones. */
  bringUpToDate(node: string, knownVersion: number): void {
    // An agent that knows a later version than this manager has lived under a manager whose memory is lost.
    if (knownVersion > this.version) {
      this.#memory.value.membershipVersion = nextVersion(knownVersion);
      this.#memory.changed();
    }
    if (!this.isPlaced || knownVersion === this.version) return;
    this.#server.send(node, this.#membershipOf(node));
  }

  /** A new address book for everybody, at once: after a change of placement or a revocation. */
  publishDirectory(): void {
    const { value } = this.#memory;
    value.directoryVersion = nextVersion(value.directoryVersion);
    this.#directory = undefined;
    this.#memory.write();
    const { directory } = this;
    this.#server.takeDirectory(directory);
    for (const { server } of directory.peers) this.sendDirectory(server);
  }

  sendDirectory(server: ServerName): void {
    if (server !== this.#server.environment.server) this.#server.send(server, this.directory);
  }

  /** Others are to be known: to servers at once, and to nodes' disks with a new version of their orders. */
  applicationsChanged(): void {
    if (this.isPlaced) this.#issue();
  }

  get #applications(): Pick<DirectoryMessage, "applications"> {
    const { applications } = this.#memory.value;
    return applications ? { applications: { known: applications.known, ready: applications.ready } } : {};
  }

  get directory(): DirectoryMessage {
    this.#directory ??= {
      kind: "directory",
      version: this.#memory.value.directoryVersion,
      peers: peersOf(this.placement, this.#cluster),
      revokedSerials: this.#certificates.revokedSerials,
      ...this.#applications,
    };
    return this.#directory;
  }

  /** After a start: the placement that is remembered holds again, without a new version unless its orders differ. */
  resume(): void {
    if (this.isPlaced) this.#issue();
  }

  #issue(): void {
    const ordered = createHash("sha256")
      .update(JSON.stringify(this.#cluster.nodes.map(({ name }) => this.#contentOf(name))))
      .update(JSON.stringify(this.#applications))
      .digest("hex");
    if (ordered !== this.#ordered && ordered !== this.#memory.value.orderedDigest) {
      this.#memory.value.membershipVersion = nextVersion(this.version);
      this.#memory.value.orderedDigest = ordered;
    }
    this.#ordered = ordered;
    this.#onPlaced(this.placement);
    this.publishDirectory();
    for (const { name } of this.#cluster.nodes) this.#server.send(name, this.#membershipOf(name));
  }

  #contentOf(node: string) {
    return {
      servers: this.placement
        .filter((placed) => placed.node === node)
        .map((placed) => orderOf(placed, this.placement, this.#cluster)),
      companions: companionsOf(node, this.placement, this.#cluster),
    };
  }

  #membershipOf(node: string): MembershipMessage {
    const { version, directory } = this;
    const content = this.#contentOf(node);
    return signMembership({ kind: "membership", version, node, ...content, directory }, this.#signingKey);
  }
}
