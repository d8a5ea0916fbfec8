/**
 * The configuration manager put together (paper §3.5): one object per concern, and the paths between them. It first serves
 * nodes from what it remembers, then opens its database, then people. It is not on any request's path: while it is away
 * the cluster goes on with what it was told last.
 */

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requestTitle } from "@redoubt/application";
import type {
  AnyMessage,
  Component,
  ControlMessage,
  HealthReportMessage,
  ServerName,
  ToConfigurationManager,
} from "@redoubt/shared";
import type { CertificateAuthority } from "../adapters/certificates/index.ts";
import { loadApplication } from "../applications/load-application.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { portsOf } from "../runtime/ports.ts";
import { recordProcess } from "../runtime/record-process.ts";
import type { ServerProcess } from "../runtime/server-process.ts";
import { createAdministrationPort } from "./administration-port/index.ts";
import { Alerts } from "./alerts.ts";
import { ApplicationVersions } from "./applications/application-versions.ts";
import { CertificateDesk, readMembershipKey } from "./certificates.ts";
import { Clients } from "./clients.ts";
import type { ManagerDatabase } from "./database.ts";
import { Degrees } from "./degrees.ts";
import { DrillRuns } from "./drill-runs.ts";
import { FactIntake } from "./facts.ts";
import { ManagerFeed } from "./feed.ts";
import { FleetRecorder } from "./fleet-recorder.ts";
import { tellCondition, tellNodeState, tellServerState, tellViolations } from "./health-events.ts";
import { HealthGate } from "./health-gate.ts";
import { parseServerHealth } from "./health-schema.ts";
import { Incidents } from "./incidents.ts";
import { LeaseHolders } from "./lease-holders.ts";
import { Membership } from "./membership.ts";
import { MemoryFile } from "./memory.ts";
import { ProcessControl } from "./process-control.ts";
import { Registry } from "./registry.ts";
import { RegulatorLink } from "./regulator-link.ts";
import { StateLink } from "./state-link.ts";
import { StorageEvents } from "./storage-events.ts";
import { MARKS_RESTORED_MAX, StorageMarks } from "./storage-marks.ts";
import { TrafficView } from "./traffic.ts";
import { isDatabase, WorkerAttempts } from "./worker-attempts.ts";

const OWN_BEAT_MS = 1_000;
const HOUSEKEEPING_MS = 60_000;
/** Reasons for which two persons must agree to a release. */
const TWO_PERSONS_SETTING = "quarantine.twoPersons";

interface Sender {
  readonly component: Component;
  readonly server: ServerName;
}

export class Manager {
  readonly server: ServerProcess;
  readonly cluster: ClusterFile;
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly incidents: Incidents;
  readonly membership: Membership;
  readonly registry: Registry;
  readonly regulator: RegulatorLink;
  readonly state: StateLink;
  readonly holders: LeaseHolders;
  readonly marks = new StorageMarks();
  readonly traffic: TrafficView;
  readonly degrees: Degrees;
  readonly applications: ApplicationVersions;
  readonly clients: Clients;
  readonly alerts: Alerts;
  readonly drills: DrillRuns;
  readonly facts: FactIntake;
  readonly storage: StorageEvents;
  readonly #memory: MemoryFile;
  readonly #certificates: CertificateDesk;
  readonly #control: ProcessControl;
  readonly #contract: ReturnType<typeof loadApplication>["contract"];
  readonly #gate = new HealthGate();
  #twoPersons: ReadonlySet<string> = new Set();

  /** @param database started already, because nothing takes a start longer */
  constructor(server: ServerProcess, cluster: ClusterFile, authority: CertificateAuthority, database: ManagerDatabase) {
    this.server = server;
    this.cluster = cluster;
    this.database = database;
    const { layout, environment, log } = server;
    const ports = portsOf(cluster.portBase);
    this.#contract = loadApplication(join(layout.applications, cluster.application)).contract;
    this.#memory = new MemoryFile(layout.serverFolder(environment.node, environment.server));
    const memory = this.#memory;
    this.#certificates = new CertificateDesk(authority, memory);
    this.feed = new ManagerFeed(this.database, log);
    this.incidents = new Incidents(this.database, this.feed, log);
    this.registry = new Registry(cluster, memory);
    this.membership = new Membership({
      cluster,
      memory,
      server,
      certificates: this.#certificates,
      signingKey: readMembershipKey(layout.authority),
      onPlaced: (placement) => this.registry.expect(placement),
    });
    const { membership, registry, feed, incidents } = this;
    this.regulator = new RegulatorLink({ cluster, server, memory, membership, registry });
    const { regulator } = this;
    const certificates = this.#certificates;
    this.#control = new ProcessControl({ server, memory, membership, registry, certificates, regulator });
    this.state = new StateLink(server, membership, registry);
    this.holders = new LeaseHolders(this.state);
    this.traffic = new TrafficView(feed);
    this.degrees = new Degrees({ cluster, database, membership, registry, regulator, feed, incidents });
    const folder = layout.applications;
    this.applications = new ApplicationVersions({
      ...{ cluster, folder, memory, database, membership, registry, regulator, feed },
    });
    this.clients = new Clients(database, regulator);
    const webhookKey = secretOf(join(layout.secrets, "webhook-key"));
    const consoleUrl = `http://127.0.0.1:${ports.console}`;
    const clusterName = cluster.name;
    this.alerts = new Alerts({
      database,
      feed,
      log,
      clusterName,
      consoleUrl,
      secretsFolder: layout.secrets,
      webhookKey,
    });
    this.drills = new DrillRuns({
      allowed: cluster.drills,
      assignment: {
        data: environment.data,
        clientUrl: `http://127.0.0.1:${ports.clientApi}`,
        administrationUrl: `http://127.0.0.1:${ports.administration}`,
      },
      feed,
      log,
      recordProcess: (name, pid) => recordProcess(layout.run, name, pid),
    });
    this.storage = new StorageEvents(feed, incidents, (name) => membership.nodeOf(name) ?? "");
    this.facts = new FactIntake({
      database,
      feed,
      incidents,
      regulator,
      nodeOf: (name) => membership.nodeOf(name),
      titleOf: (operation, payload) => this.#titleOf(operation, payload),
      severityOf: (reason) => (this.#twoPersons.has(reason) ? "high" : "low"),
      discard: (name, incarnation) => this.#control.discard(name, incarnation),
      onFailure: (error) => log.error({ error: error instanceof Error ? error.stack : error }, "facts wait"),
    });
  }

  /**
   * Links are served, nodes get their orders; nothing waits for the database.
   * @param isFirst this cluster has never had a manager
   */
  async open(isFirst: boolean): Promise<void> {
    this.#listenToRegistry();
    await this.server.open({
      onMessage: (from, message) => this.#onMessage(from, message),
      onControl: (from, message) => this.#onControl(from, message),
      onPeerConnected: (name) => this.membership.sendDirectory(name),
    });
    if (this.#memory.existed) this.membership.resume();
    else if (isFirst) this.degrees.placeFromFile();
    const fleet = new FleetRecorder({
      cluster: this.cluster,
      database: this.database,
      registry: this.registry,
      onFailure: (error) => this.server.log.warn({ error: error instanceof Error ? error.message : error }, "fleet"),
    });
    this.#beat();
    const beat = setInterval(() => this.#beat(), OWN_BEAT_MS);
    const housekeeping = setInterval(() => void this.incidents.closeUndecided(), HOUSEKEEPING_MS);
    this.server.onStop(async () => {
      clearInterval(beat);
      clearInterval(housekeeping);
      for (const part of [
        fleet,
        this.registry,
        this.regulator,
        this.holders,
        this.traffic,
        this.degrees,
        this.alerts,
        this.drills,
      ])
        part.close();
      this.#memory.write();
    });
    this.server.onStop(() => this.database.stop());
  }

  /** Resolves when everything people decide is read and can be decided. */
  async openRecords(): Promise<void> {
    const opening = await this.database.opening;
    const twoPersons = opening.settings.get(TWO_PERSONS_SETTING);
    if (Array.isArray(twoPersons))
      this.#twoPersons = new Set(twoPersons.filter((reason) => typeof reason === "string"));
    await this.degrees.open(opening);
    this.applications.open(opening);
    this.clients.open(opening);
    this.feed.open(opening);
    this.facts.open(opening);
    await this.alerts.open(opening);
    // For a look at the state explorer only: nobody waits for it.
    void this.#restoreMarks();
  }

  async #restoreMarks(): Promise<void> {
    try {
      const damage = await this.database.persistently((store) =>
        store.feed.newestOf("storage.damage", MARKS_RESTORED_MAX),
      );
      this.marks.restore(damage);
    } catch (error) {
      this.server.log.warn(
        { error: error instanceof Error ? error.message : error },
        "marks of damage are not restored",
      );
    }
  }

  administrationPort() {
    const { cluster, server, database, feed, registry, membership, degrees, regulator, state, traffic, clients } = this;
    const { holders, alerts, drills, marks, applications } = this;
    const contract = this.#contract;
    const parts = {
      cluster,
      contract,
      server,
      database,
      feed,
      registry,
      membership,
      degrees,
      regulator,
      state,
      traffic,
    };
    const port = createAdministrationPort({ ...parts, applications, holders, marks, clients, alerts, drills });
    const drill = { name: "drill", role: "admin", via: "local" } as const;
    drills.use({
      replaceServer: (name, entry, isLasting) => membership.replace(name, entry, isLasting),
      drain: (servers) => regulator.drain(servers),
      endDrain: (servers) => regulator.endDrain(servers),
      addClient: (client, roles) => clients.add(client, roles, drill),
      revokeClient: (client) => clients.revoke(client),
      unblock: async (host) => void (await port.hostUnblock({ host, reason: "a drill is over" }, drill)),
      status: () => port.status(),
    });
    return port;
  }

  #listenToRegistry(): void {
    const { incidents, feed } = this;
    const { portBase } = this.cluster;
    const workerAttempts = new WorkerAttempts({
      feed,
      incidents,
      isDatabase: (target) => isDatabase(target, portBase),
    });
    this.registry.listen({
      onEnded: (view, ended) => this.#control.ended(view, ended),
      onServerState: (view, from) => {
        tellServerState({ feed, incidents }, view, from);
        if (view.component === "execution-server") this.regulator.configure();
      },
      onNodeState: (node, from, cause) => tellNodeState({ feed, incidents }, node, from, cause),
      onNewProcess: (name) => {
        this.membership.sendDirectory(name);
        if (name !== this.regulator.name) return;
        this.regulator.tellAgain();
        void this.regulator.readLog("L3", 0).then(
          ({ counts }) => this.traffic.takeLogs(counts),
          () => undefined,
        );
      },
      onAttempts: (view, attempts) => workerAttempts.take(view, attempts),
      onViolations: (reporter, violations) => tellViolations(incidents, reporter, violations),
      onCondition: (server, condition) => tellCondition(incidents, server, condition),
    });
  }

  /** This manager is a server of the cluster like the others, and says so of itself. */
  #beat(): void {
    const { server, incarnation } = this.server.environment;
    const processes = this.database.processes;
    const own = { kind: "serverHealth", server, incarnation, pid: process.pid, ready: true, role: "primary" } as const;
    this.registry.takeHealth({ ...own, counters: {}, processes, violations: [] });
  }

  #onMessage(from: Sender, message: AnyMessage): void {
    const received = message as ToConfigurationManager;
    switch (received.kind) {
      case "regulatorFacts":
        this.facts.take(received.facts);
        if (received.facts.some(({ fact }) => fact.kind === "epochOpened")) void this.holders.look();
        return;
      case "logPage":
        this.traffic.takeLogs(received.counts);
        this.regulator.takeLogPage(received);
        return;
      case "applicationStatus":
        this.applications.take(received);
        return;
      case "traffic":
        this.traffic.take(received.counters);
        return;
      case "metadata":
        this.state.takeMetadata(received);
        return;
      case "objectDescription":
        this.state.takeDescription(received);
        return;
      case "storageEvents":
        this.storage.take(received.server, received.events);
        this.marks.take(received.server, received.events);
        return;
      case "stream":
        return;
      default:
        this.server.log.warn({ from: from.server }, "a message that means nothing here");
    }
  }

  #onControl(from: Sender, message: ControlMessage): void {
    if (message.kind === "healthReport" && from.component === "node-agent") this.#onReport(from.server, message);
    else if (message.kind === "certify" && from.component === "node-agent")
      void this.#control.certify(from.server, message);
    else if (message.kind === "serverHealth" && this.#gate.mayPass(from.server, performance.now())) {
      const health = parseServerHealth(message, from.server);
      if (health) {
        this.registry.takeHealth(health);
        if (from.component === "execution-server") this.regulator.configure();
      } else this.server.log.warn({ from: from.server }, "a health report that no server may send");
    }
  }

  #onReport(node: string, message: HealthReportMessage): void {
    for (const { server, incarnation, serial } of message.servers)
      this.#certificates.noteSerial(server, incarnation, serial);
    this.registry.takeReport(node, message);
    this.membership.bringUpToDate(node, message.membershipVersion);
    this.regulator.configure();
  }

  #titleOf(operation: string, payload: string): string {
    try {
      return requestTitle(this.#contract, operation, JSON.parse(payload));
    } catch {
      return requestTitle(this.#contract, operation, undefined);
    }
  }
}

/** A secret of the cluster in a file of its own, made when it is first needed. */
function secretOf(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString("base64url"), { mode: 0o600, flush: true });
  return readFileSync(file, "utf8").trim();
}
