/**
 * One server of a node: its certificate, its process, its restarts. A process that ends is replaced at once, with a
 * growing pause when it keeps ending by itself. One that the manager had ended is no sign that the next will end too, and
 * whoever can have servers convicted must not be able to keep their places empty. Every process has an incarnation and a
 * certificate of its own (REQUIREMENTS U42).
 * The process starts while its certificate is still being asked for: it has a program to load and a journal to read before
 * it needs one, and waits for the file when it wants to open its links.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerOrder, ServerReport } from "@redoubt/shared";
import { generateEvidenceKeyPair, generateLinkKeyPair } from "../adapters/certificates/index.ts";
import {
  freeze,
  kill,
  type ProcessEnd,
  type ProcessRecord,
  type ProcessSupervisor,
  stop,
} from "../adapters/supervisor/index.ts";
import { TLS_FILES } from "../runtime/data-layout.ts";
import { isIdentityOld } from "../runtime/identity-renewal.ts";

/** Before the second try; the first one is made at once. */
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 5_000;
/** A process that lived this long starts again without a pause. */
const SETTLED_AFTER_MS = 10_000;

export interface RunnerSurroundings {
  readonly supervisor: ProcessSupervisor;
  readonly tlsFolder: (server: string) => string;
  readonly authorityPem: string;
  /** Asks the manager until there is an answer; rejects when the server is no longer to run. */
  readonly certify: (
    order: ServerOrder,
    incarnation: string,
    publicKeyPem: string,
  ) => Promise<{ certificatePem: string; serial: string }>;
  readonly environment: (order: ServerOrder, incarnation: string) => Record<string, string>;
  readonly command: (order: ServerOrder) => readonly string[];
  readonly changed: () => void;
}

export class ServerRunner {
  order: ServerOrder;
  readonly #surroundings: RunnerSurroundings;
  #report: ServerReport;
  #record: ProcessRecord | undefined;
  #starting = false;
  #starts = 0;
  #nextStart: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #pauseMs = 0;
  /** This process was ended by order. */
  #isShutDown = false;
  /** Incarnation of the order whose entry has been started. */
  #entryUsedBy = "";

  constructor(order: ServerOrder, surroundings: RunnerSurroundings) {
    this.order = order;
    this.#surroundings = surroundings;
    this.#report = {
      server: order.server,
      component: order.component,
      incarnation: "",
      state: "stopped",
      pid: null,
      serial: "",
      evidenceKeyPem: "",
      since: Date.now(),
    };
  }

  get report(): ServerReport {
    return this.#report;
  }

  /** Takes over a process that survived the agent before this one. */
  adopt(previous: ServerReport | undefined): void {
    const record = this.#surroundings.supervisor.adopt(this.order.server);
    // One that still waits for its certificate waits for an agent that is gone.
    const isWhole = previous?.pid === record?.pid && (previous?.serial !== "" || isSelfCertified(this.order));
    if (!record || !previous || !isWhole) {
      if (record) kill(record);
      return;
    }
    this.#record = record;
    this.#startedAt = Date.parse(record.startedAt);
    if (previous.incarnation.startsWith(`${this.order.incarnation}.`)) this.#entryUsedBy = this.order.incarnation;
    this.#report = { ...previous, state: previous.state === "isolated" ? "isolated" : "running" };
  }

  /** Brings the process into the state the order wants. */
  async follow(order: ServerOrder): Promise<void> {
    const replaced = order.incarnation !== this.order.incarnation || order.port !== this.order.port;
    const settingsChanged = settingsText(order) !== settingsText(this.order);
    this.order = order;
    if (order.desired === "isolated") this.isolate();
    else if (order.desired === "stopped") await this.stop();
    else if (order.desired === "killed") this.#kill();
    else if (this.#record && (replaced || settingsChanged)) await stop(this.#record, { graceMs: 3_000 });
    else await this.start();
  }

  async start(): Promise<void> {
    if (this.#record || this.#starting || this.order.desired !== "running") return;
    this.#starting = true;
    // A drill's entry is for one process, unless it says otherwise: what is started after it is the honest server again.
    const isSpent = this.#entryUsedBy === this.order.incarnation && this.order.settings.entryLasts === undefined;
    const order = isSpent ? withoutEntry(this.order) : this.order;
    const incarnation = `${order.incarnation}.${Date.now().toString(36)}-${++this.#starts}`;
    try {
      this.#update({ incarnation, state: "starting", pid: null });
      const certified = this.#layDownIdentity(order, incarnation);
      // A failure is seen below, after the process has been started.
      certified.catch(() => undefined);
      await this.#startProcess(order, incarnation);
      const { serial, evidenceKeyPem } = await certified;
      if (this.#record && this.#report.incarnation === incarnation)
        this.#update({ state: "running", serial, evidenceKeyPem });
    } catch (error) {
      if (this.#record) kill(this.#record);
      throw error;
    } finally {
      this.#starting = false;
      this.#settle(order);
    }
  }

  async #startProcess(order: ServerOrder, incarnation: string): Promise<void> {
    const [command, ...rest] = this.#surroundings.command(order);
    this.#record = await this.#surroundings.supervisor.start({
      name: order.server,
      command: command as string,
      arguments: rest,
      environment: this.#surroundings.environment(order, incarnation),
    });
    this.#startedAt = Date.now();
    this.#entryUsedBy = order.incarnation;
    this.#update({ pid: this.#record.pid });
  }

  /** What was ordered, or ended, while a process was being started. */
  #settle(started: ServerOrder): void {
    const { desired, incarnation } = this.order;
    if (!this.#record) {
      if (desired === "running") this.#scheduleStart();
      return;
    }
    // Its end brings the one that is wanted now, or none.
    if (desired === "stopped" || desired === "killed" || incarnation !== started.incarnation)
      void stop(this.#record, { graceMs: 3_000 });
  }

  /** The supervisor saw this server's process end. */
  ended(record: ProcessRecord, end: ProcessEnd): void {
    if (record.pid !== this.#record?.pid) return;
    this.#record = undefined;
    const cause = end.adopted ? "ended" : end.signal ? `signal ${end.signal}` : `exit code ${end.exitCode}`;
    const lastExit = { incarnation: this.#report.incarnation, at: Date.now(), cause };
    this.#update({ state: this.order.desired === "running" ? "exited" : "stopped", pid: null, serial: "", lastExit });
    if (this.order.desired === "running") this.#scheduleStart();
  }

  /** Ends this process if it is still the one named; the next one is started at once. */
  shutDown(incarnation: string): void {
    if (!this.#record || this.#report.incarnation !== incarnation) return;
    this.#isShutDown = true;
    kill(this.#record);
  }

  /** Stops the process without ending it, for forensics: its memory stays. */
  isolate(): void {
    if (!this.#record || this.#report.state === "isolated") return;
    freeze(this.#record);
    this.#update({ state: "isolated" });
  }

  /** Lays down a new certificate for the process that runs, before the one it has ends. */
  async renewIdentity(): Promise<void> {
    const { incarnation, state } = this.#report;
    if (this.#starting || !this.#record || state !== "running" || isSelfCertified(this.order)) return;
    const folder = this.#surroundings.tlsFolder(this.order.server);
    if (!isIdentityOld(folder)) return;
    const keys = await generateLinkKeyPair();
    const { certificatePem, serial } = await this.#surroundings.certify(this.order, incarnation, keys.publicKeyPem);
    if (this.#report.incarnation !== incarnation) return;
    layDownKeys(folder, keys.privateKeyPem, certificatePem);
    this.#update({ serial });
  }

  async stop(): Promise<void> {
    if (this.#record) await stop(this.#record, { graceMs: 5_000 });
  }

  #kill(): void {
    if (this.#record) kill(this.#record);
  }

  #scheduleStart(): void {
    if (this.#nextStart !== undefined) return;
    const lived = Date.now() - this.#startedAt;
    const longerMs = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_FIRST_MS, this.#pauseMs * 2));
    this.#pauseMs = this.#isShutDown || lived > SETTLED_AFTER_MS ? 0 : longerMs;
    this.#isShutDown = false;
    this.#nextStart = setTimeout(() => {
      this.#nextStart = undefined;
      void this.start().catch(() => undefined);
    }, this.#pauseMs);
  }

  /** The manager certifies itself: it holds the authority, and nobody else is there at a cold start. */
  async #layDownIdentity(order: ServerOrder, incarnation: string): Promise<{ serial: string; evidenceKeyPem: string }> {
    if (isSelfCertified(order)) return { serial: "", evidenceKeyPem: "" };
    const folder = this.#surroundings.tlsFolder(order.server);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Of the process before: this one waits for its own.
    rmSync(join(folder, TLS_FILES.certificate), { force: true });
    const keys = await generateLinkKeyPair();
    const evidence = order.component === "execution-server" ? await generateEvidenceKeyPair() : undefined;
    const { certificatePem, serial } = await this.#surroundings.certify(order, incarnation, keys.publicKeyPem);
    // The server's process went on to another incarnation meanwhile: this certificate is nobody's.
    if (this.#report.incarnation !== incarnation) return { serial: "", evidenceKeyPem: "" };
    const write = (file: string, text: string): void => writeFileSync(join(folder, file), text, { mode: 0o600 });
    write(TLS_FILES.authority, this.#surroundings.authorityPem);
    if (evidence) write(TLS_FILES.evidenceKey, evidence.privateKeyPem);
    layDownKeys(folder, keys.privateKeyPem, certificatePem);
    return { serial, evidenceKeyPem: evidence?.publicKeyPem ?? "" };
  }

  #update(change: Partial<ServerReport>): void {
    this.#report = { ...this.#report, ...change, since: Date.now() };
    this.#surroundings.changed();
  }
}

/** The manager certifies itself; companions have no certificate at all. */
const isSelfCertified = ({ component }: ServerOrder): boolean => component === "configuration-manager";

/** The certificate last, and whole: that it is there, and its time, tells the process that everything is. */
export function layDownKeys(folder: string, privateKeyPem: string, certificatePem: string): void {
  writeFileSync(join(folder, TLS_FILES.privateKey), privateKeyPem, { mode: 0o600 });
  const certificate = join(folder, TLS_FILES.certificate);
  writeFileSync(`${certificate}.tmp`, certificatePem, { mode: 0o600 });
  renameSync(`${certificate}.tmp`, certificate);
}

function withoutEntry(order: ServerOrder): ServerOrder {
  const { entry: _entry, entryLasts: _entryLasts, ...settings } = order.settings;
  return { ...order, settings };
}

/** What makes a running process an outdated one; an entry that is gone again is no reason to restart anything. */
const settingsText = (order: ServerOrder): string => JSON.stringify(withoutEntry(order).settings);
