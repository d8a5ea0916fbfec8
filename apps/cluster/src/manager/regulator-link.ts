/**
 * What the manager tells the traffic regulator: who its clients and servers are (whole state, versioned, repeated until the
 * regulator says it has it), which processes are gone, and administrators' decisions. What the regulator tells the manager
 * is taken in by facts.ts; only answers to questions asked here come back here.
 */
import { faultsToleratedBy } from "@redoubt/protocol";
import type {
  QuarantineOrderMessage,
  ReadLogMessage,
  RegulatorConfigurationMessage,
  RegulatorFact,
  RequestId,
  ServerName,
  ToConfigurationManager,
} from "@redoubt/shared";
import { AdministrationError } from "../administration/index.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import type { ServerProcess } from "../runtime/server-process.ts";
import type { Membership } from "./membership.ts";
import { type MemoryFile, nextVersion } from "./memory.ts";
import { Questions } from "./questions.ts";
import type { Registry, ServerView } from "./registry.ts";

const REPEAT_MS = 2_000;
/** A manager that has just started waits for agents and servers before it says which of them can work. */
const SETTLE_MS = 4_000;
const LOG_PATIENCE_MS = 3_000;
const ORDER_PATIENCE_MS = 5_000;

type LogPage = Extract<ToConfigurationManager, { kind: "logPage" }>;
type Clients = RegulatorConfigurationMessage["clients"];

export class RegulatorLink {
  readonly #cluster: ClusterFile;
  readonly #server: ServerProcess;
  readonly #memory: MemoryFile;
  readonly #membership: Membership;
  readonly #registry: Registry;
  readonly #startedAt = Date.now();
  readonly #timer: NodeJS.Timeout;
  readonly #pages = new Questions<LogPage>();
  readonly #waiting = new Set<(fact: RegulatorFact) => void>();
  /** Servers that get no more work because they are about to be stopped. */
  readonly #drained = new Set<ServerName>();
  /** Processes that were ready once. */
  readonly #warm = new Map<ServerName, string>();
  #clients: Clients | undefined;
  #told: { readonly text: string; readonly message: RegulatorConfigurationMessage } | undefined;

  constructor(parts: {
    readonly cluster: ClusterFile;
    readonly server: ServerProcess;
    readonly memory: MemoryFile;
    readonly membership: Membership;
    readonly registry: Registry;
  }) {
    this.#cluster = parts.cluster;
    this.#server = parts.server;
    this.#memory = parts.memory;
    this.#membership = parts.membership;
    this.#registry = parts.registry;
    this.#timer = setInterval(() => this.#repeat(), REPEAT_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The regulator that is asked and told; there is one in this configuration. */
  get name(): ServerName {
    return this.#membership.of("traffic-regulator")[0]?.server ?? "traffic-regulator-1";
  }

  /** Known once the database is there; without clients the regulator is told nothing and keeps what it has. */
  setClients(clients: Clients): void {
    this.#clients = clients;
    this.configure();
  }

  drain(servers: readonly ServerName[]): void {
    for (const server of servers) this.#drained.add(server);
    this.configure();
  }

  endDrain(servers: readonly ServerName[]): void {
    for (const server of servers) this.#drained.delete(server);
    this.configure();
  }

  /** Sends the configuration if anything in it changed. */
  configure(): void {
    if (!this.#clients || !this.#membership.isPlaced || !this.#isSettled()) return;
    const content = this.#content(this.#clients);
    const text = JSON.stringify(content);
    if (this.#told?.text === text) return;
    const version = nextVersion(this.#memory.value.configurationVersion);
    this.#memory.value.configurationVersion = version;
    this.#memory.changed();
    const message = { kind: "regulatorConfiguration", version, ...content } as const;
    this.#told = { text, message };
    this.#server.send(this.name, message);
  }

  /** For a regulator that has just started. */
  tellAgain(): void {
    this.configure();
    if (this.#told) this.#server.send(this.name, this.#told.message);
  }

  serverGone(server: ServerName, incarnation: string, cause: string): void {
    this.#server.send(this.name, { kind: "serverGone", server, incarnation, cause });
    this.configure();
  }

  acknowledge(through: number): void {
    this.#server.send(this.name, { kind: "factsAcknowledged", through });
  }

  /** Reads a log; `unavailable` when the regulator does not answer. */
  async readLog(log: ReadLogMessage["log"], limit: number, requestId?: RequestId): Promise<LogPage> {
    const { query, answer } = this.#pages.ask(LOG_PATIENCE_MS);
    this.#server.send(this.name, {
      kind: "readLog",
      query,
      log,
      limit,
      ...(requestId === undefined ? {} : { requestId }),
    });
    const page = await answer;
    if (!page) throw new AdministrationError("unavailable", "The traffic regulator does not answer; try in a moment.");
    return page;
  }

  takeLogPage(page: LogPage): void {
    this.#pages.answer(page.query, page);
  }

  /** Sends an order and waits for the fact that it is done. */
  async order(
    order: string,
    action: QuarantineOrderMessage["action"],
    isDone: (fact: RegulatorFact) => boolean,
  ): Promise<void> {
    const done = this.#awaitFact(isDone);
    this.#server.send(this.name, { kind: "quarantineOrder", order, action });
    if (await done) return;
    const text = "The traffic regulator has not confirmed within 5 s; the order may still take effect.";
    throw new AdministrationError("unavailable", text);
  }

  /** Called for each fact after it has been recorded. */
  noteFact(fact: RegulatorFact): void {
    for (const listener of this.#waiting) listener(fact);
  }

  #awaitFact(isDone: (fact: RegulatorFact) => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const listener = (fact: RegulatorFact): void => {
        if (isDone(fact)) end(true);
      };
      const end = (done: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(listener);
        resolve(done);
      };
      const timer = setTimeout(() => end(false), ORDER_PATIENCE_MS);
      this.#waiting.add(listener);
    });
  }

  /** True once everything is known of the execution servers that were there before, or enough time has passed for those that live. */
  #isSettled(): boolean {
    if (Date.now() - this.#startedAt > SETTLE_MS) return true;
    return this.#registry
      .of("execution-server")
      .every(({ report, health }) => report !== undefined && (report.state !== "running" || health !== undefined));
  }

  #repeat(): void {
    this.configure();
    const acknowledged = this.#registry.server(this.name)?.health?.counters.configurationVersion;
    if (this.#told && acknowledged !== this.#told.message.version) this.#server.send(this.name, this.#told.message);
  }

  #content(clients: Clients): Omit<RegulatorConfigurationMessage, "kind" | "version"> {
    const { profile, strictPaper, nodes, settings } = this.#cluster;
    const names = (component: Parameters<Membership["of"]>[0]): ServerName[] =>
      this.#membership.of(component).map(({ server }) => server);
    const members = names("state-replica");
    return {
      clients,
      executionServers: this.#registry
        .of("execution-server")
        .filter((view) => this.#canWork(view))
        .map(({ server, report }) => ({
          server,
          incarnation: report?.incarnation ?? "",
          publicKey: report?.evidenceKeyPem ?? "",
        })),
      acceptanceTestServers: profile === "basic" ? names("acceptance-test-server") : [],
      members,
      masters: names("state-master"),
      faultsTolerated: faultsToleratedBy(members.length),
      profile,
      acceptanceFaultsTolerated: Number(settings.acceptanceFaultsTolerated ?? 0),
      ...(settings.auditPercent === undefined ? {} : { auditPercent: Number(settings.auditPercent) }),
      strictPaper,
      exemptAddresses: [...new Set(nodes.map(({ address }) => address))],
      ...this.#application,
    };
  }

  get #application(): Pick<RegulatorConfigurationMessage, "application"> {
    const choice = this.#memory.value.applications?.choice;
    if (!choice) return {};
    const { order, current, replaces, trialRequests } = choice;
    return { application: { order, current, trialRequests, ...(replaces === undefined ? {} : { replaces }) } };
  }

  #canWork({ server, state, report, health }: ServerView): boolean {
    if (report?.state !== "running" || report.evidenceKeyPem === "" || this.#drained.has(server)) return false;
    if (state === "discarded" || state === "down") return false;
    // Once ready, a process stays in the list until it ends: taking it out would cost it the requests it holds.
    if (this.#warm.get(server) === report.incarnation) return true;
    const isReady = health?.incarnation === report.incarnation && health.ready;
    if (isReady) this.#warm.set(server, report.incarnation);
    return isReady;
  }
}
