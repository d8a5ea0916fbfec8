/**
 * The node agent: the health monitor of one node (paper §3.6). It starts what the manager's signed membership lists,
 * notices at once when a process ends, starts it again, and reports host and processes to the manager. It decides
 * nothing about the cluster.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { freemem, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import type {
  CertificateMessage,
  CertifyMessage,
  ControlMessage,
  MembershipMessage,
  ServerOrder,
  ServerReport,
} from "@redoubt/shared";
import { generateLinkKeyPair } from "../adapters/certificates/index.ts";
import { isAlive, listProcessRecords, ProcessSupervisor, recordOwnProcess } from "../adapters/supervisor/index.ts";
import { inheritedEnvironment, type ServerEnvironment, writeServerEnvironment } from "../env.ts";
import { readClusterFile } from "../launch/cluster-file.ts";
import { agentStart } from "../launch/start.ts";
import { AgentsKeeper } from "../node/agents-keeper.ts";
import { isSignedMembership, readMembership, writeMembership } from "../node/membership-file.ts";
import { layDownKeys, ServerRunner } from "../node/server-runner.ts";
import { SERVER_ENTRY, TLS_FILES } from "../runtime/data-layout.ts";
import { IDENTITY_LOOK_MS, isIdentityOld } from "../runtime/identity-renewal.ts";
import { handleSignals, ServerProcess } from "../runtime/server-process.ts";

const REPORT_INTERVAL_MS = 500;
const CERTIFY_RETRY_MS = 250;
/** Companions are orders to the runner like servers, under a component of their own. */
const CONSOLE_ENTRY = "console-host.js";
const CONSOLE_PROCESSES: readonly string[] = ["console", "console-web", "postgres-auth"];

export async function runNodeAgent(environment: ServerEnvironment): Promise<void> {
  const server = new ServerProcess(environment);
  handleSignals(server);
  await new NodeAgent(server).run();
}

class NodeAgent {
  readonly #server: ServerProcess;
  readonly #supervisor: ProcessSupervisor;
  readonly #runners = new Map<string, ServerRunner>();
  readonly #certificates = new Map<string, (message: CertificateMessage) => void>();
  readonly #membershipKey: string;
  readonly #authorityPem: string;
  #membership: MembershipMessage | undefined;
  #reportSoon: NodeJS.Immediate | undefined;
  #isRenewing = false;

  constructor(server: ServerProcess) {
    this.#server = server;
    const { node, server: name } = server.environment;
    const tls = server.layout.tls(node, name);
    this.#authorityPem = readFileSync(join(tls, TLS_FILES.authority), "utf8");
    this.#membershipKey = readFileSync(join(tls, "membership-key.pem"), "utf8");
    this.#supervisor = new ProcessSupervisor({
      runDirectory: server.layout.run,
      logDirectory: server.layout.logs,
      onEnd: (record, end) => {
        server.log.warn({ process: record.name, pid: record.pid, ...end }, "process ended");
        this.#runners.get(record.name)?.ended(record, end);
      },
    });
  }

  async run(): Promise<void> {
    const { node } = this.#server.environment;
    await this.#server.open({
      onMessage: () => undefined,
      onControl: (_from, message) => this.#receive(message),
    });
    // Should two of us have been started, this is the one that has the port.
    recordOwnProcess(this.#server.layout.run, this.#server.environment.server);
    const membership = readMembership(this.#server.layout.membership(node), this.#membershipKey);
    if (membership) this.#take(membership, this.#previousReports());
    // At once: until the manager hears of this agent its node counts as away.
    this.#report();
    const timer = setInterval(() => this.#report(), REPORT_INTERVAL_MS);
    const keeper = this.#keepAgents();
    const renewal = setInterval(() => void this.#renewIdentities(), IDENTITY_LOOK_MS);
    this.#server.onStop(async () => {
      clearInterval(timer);
      clearInterval(renewal);
      keeper?.close();
      this.#supervisor.close();
    });
  }

  /** The other agents of this machine; undefined without the file that says which there are. */
  #keepAgents(): AgentsKeeper | undefined {
    const { layout, environment, log } = this.#server;
    const cluster = readClusterFile(environment.data);
    if (!cluster) return undefined;
    const nodes = new Map(cluster.nodes.map((node) => [node.name, node]));
    return new AgentsKeeper({
      node: environment.node,
      nodes: [...nodes.keys()],
      runDirectory: layout.run,
      endingFile: layout.ending,
      start: (name) => {
        const node = nodes.get(name);
        if (!node) throw new Error(`${name} is no node of this cluster`);
        return this.#supervisor.start(agentStart(environment.data, cluster, node, environment.logLevel));
      },
      onRestart: (name) => log.warn({ node: name }, "the node agent has ended: started again"),
      onFailure: (name, error) =>
        log.error({ node: name, error: error instanceof Error ? error.message : error }, "a node agent did not start"),
    });
  }

  #receive(message: ControlMessage): void {
    if (message.kind === "certificate") this.#certificates.get(processName(message))?.(message);
    else if (message.kind === "processOrder") {
      const runner = this.#runners.get(message.server);
      if (message.action === "isolate") runner?.isolate();
      else runner?.shutDown(message.incarnation);
    } else if (message.kind === "membership") {
      if (message.node !== this.#server.environment.node || message.version <= (this.#membership?.version ?? -1))
        return;
      if (!isSignedMembership(message, this.#membershipKey)) {
        this.#server.log.error("a membership that the manager did not sign was refused");
        return;
      }
      writeMembership(this.#server.layout.membership(message.node), message);
      this.#take(message, new Map());
    }
  }

  #take(membership: MembershipMessage, previous: ReadonlyMap<string, ServerReport>): void {
    this.#membership = membership;
    this.#server.takeDirectory(membership.directory);
    const orders = [...membership.servers, ...membership.companions.map(companionOrder)];
    for (const order of orders) {
      let runner = this.#runners.get(order.server);
      if (!runner) {
        runner = new ServerRunner(order, {
          supervisor: this.#supervisor,
          authorityPem: this.#authorityPem,
          tlsFolder: (name) => this.#server.layout.tls(this.#server.environment.node, name),
          certify: (...request) => this.#certifyServer(...request),
          environment: (of, incarnation) => this.#environmentOf(of, incarnation),
          command: (of) => this.#commandOf(of),
          changed: () => this.#reportAtOnce(),
        });
        this.#runners.set(order.server, runner);
        runner.adopt(previous.get(order.server));
      }
      void runner.follow(order).catch((error: unknown) => {
        this.#server.log.error(
          { server: order.server, error: error instanceof Error ? error.message : error },
          "start failed",
        );
      });
    }
    const wanted = new Set(orders.map((order) => order.server));
    for (const [name, runner] of this.#runners) {
      if (wanted.has(name)) continue;
      this.#runners.delete(name);
      void runner.follow({ ...runner.order, desired: "stopped" });
    }
  }

  /** Asks the manager until there is an answer, or nobody wants it any more. */
  #certify(
    question: Omit<CertifyMessage, "kind">,
    isWanted: () => boolean,
  ): Promise<{ certificatePem: string; serial: string }> {
    const asked = processName(question);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearInterval(timer);
        this.#certificates.delete(asked);
      };
      const ask = (): void => {
        if (!isWanted()) {
          end();
          reject(new Error(`${question.server} is not to run any more as it was ordered`));
          return;
        }
        for (const peer of this.#server.peers)
          if (peer.component === "configuration-manager")
            this.#server.send(peer.server, { kind: "certify", ...question });
      };
      const timer: NodeJS.Timeout = setInterval(ask, CERTIFY_RETRY_MS);
      this.#certificates.set(asked, (message) => {
        end();
        resolve(message);
      });
      ask();
    });
  }

  /** A process of an older order gets no certificate any more; the next start asks for one of the new order. */
  #certifyServer(order: ServerOrder, incarnation: string, publicKeyPem: string) {
    const { server, component } = order;
    return this.#certify({ server, component, incarnation, publicKeyPem }, () => {
      const wanted = this.#runners.get(server)?.order;
      return wanted?.desired === "running" && wanted.incarnation === order.incarnation;
    });
  }

  /** Its own and its servers', each when it is a third through its life. */
  async #renewIdentities(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      for (const runner of this.#runners.values()) await runner.renewIdentity();
      const { node, server, incarnation } = this.#server.environment;
      const folder = this.#server.layout.tls(node, server);
      if (!isIdentityOld(folder)) return;
      const keys = await generateLinkKeyPair();
      const question = { server, component: "node-agent", incarnation, publicKeyPem: keys.publicKeyPem } as const;
      const { certificatePem } = await this.#certify(question, () => true);
      layDownKeys(folder, keys.privateKeyPem, certificatePem);
    } catch (error) {
      this.#server.log.warn({ error: error instanceof Error ? error.message : error }, "certificates are not renewed");
    } finally {
      this.#isRenewing = false;
    }
  }

  #environmentOf(order: ServerOrder, incarnation: string): Record<string, string> {
    const { cluster, node, address, data, logLevel } = this.#server.environment;
    return {
      ...inheritedEnvironment(),
      ...writeServerEnvironment({
        component: order.component,
        server: order.server,
        cluster,
        node,
        address,
        port: order.port,
        data,
        incarnation,
        settings: order.settings,
        logLevel,
      }),
    };
  }

  #commandOf(order: ServerOrder): readonly string[] {
    const dist = join(import.meta.dirname, "..");
    if (order.server === "console") return [process.execPath, join(dist, CONSOLE_ENTRY)];
    const { entry } = order.settings;
    if (entry === undefined) return [process.execPath, join(dist, SERVER_ENTRY), order.component];
    // A drill starts an entry file of its own, perhaps with words behind it, in place of the honest server (DESIGN §7).
    const [file = "", ...words] = entry.split(" ");
    return [process.execPath, "--enable-source-maps", join(dist, file), ...words];
  }

  #reportAtOnce(): void {
    this.#reportSoon ??= setImmediate(() => {
      this.#reportSoon = undefined;
      this.#report();
    });
  }

  #report(): void {
    const { node } = this.#server.environment;
    const servers = [...this.#runners.values()].map((runner) => runner.report);
    this.#keepReports(servers);
    for (const peer of this.#server.peers) {
      if (peer.component !== "configuration-manager") continue;
      this.#server.send(peer.server, {
        kind: "healthReport",
        node,
        pid: process.pid,
        at: Date.now(),
        membershipVersion: this.#membership?.version ?? 0,
        servers: servers.filter((report) => report.server !== "console"),
        processes: this.#companionProcesses(),
        host: { load: loadavg()[0] ?? 0, memoryFreeBytes: freemem(), memoryTotalBytes: totalmem() },
      });
    }
  }

  /** The console and what its host started beside it. */
  #companionProcesses(): { name: string; pid: number }[] {
    if (!this.#runners.has("console")) return [];
    return listProcessRecords(this.#server.layout.run)
      .filter((record) => CONSOLE_PROCESSES.includes(record.name) && isAlive(record))
      .map(({ name, pid }) => ({ name, pid }));
  }

  /** Kept so that the next agent knows incarnation and certificate of what it adopts. */
  #keepReports(reports: readonly ServerReport[]): void {
    const folder = this.#server.layout.nodeFolder(this.#server.environment.node);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "servers.json");
    const text = JSON.stringify(reports);
    if (text === this.#kept) return;
    this.#kept = text;
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  }
  #kept = "";

  #previousReports(): Map<string, ServerReport> {
    const file = join(this.#server.layout.nodeFolder(this.#server.environment.node), "servers.json");
    if (!existsSync(file)) return new Map();
    const reports = JSON.parse(readFileSync(file, "utf8")) as ServerReport[];
    return new Map(reports.map((report) => [report.server, report]));
  }
}

/** Two servers of a node may be started in the same millisecond: an incarnation alone names no process. */
const processName = ({ server, incarnation }: { server: string; incarnation: string }): string =>
  `${server} ${incarnation}`;

const companionOrder = (companion: MembershipMessage["companions"][number]): ServerOrder => ({
  server: companion.name,
  // It needs no certificate; the runner gives none to what certifies itself.
  component: "configuration-manager",
  port: 1,
  desired: "running",
  incarnation: companion.incarnation,
  settings: companion.settings,
});
