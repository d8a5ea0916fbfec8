/**
 * The life of server processes as far as the manager has a say: who gets a certificate, what follows from a process's end,
 * and how a process is discarded.
 */
import type { EndedProcess } from "@redoubt/protocol";
import type { CertifyMessage, ServerName } from "@redoubt/shared";
import type { ServerProcess } from "../runtime/server-process.ts";
import type { CertificateDesk } from "./certificates.ts";
import type { Membership } from "./membership.ts";
import type { MemoryFile } from "./memory.ts";
import type { Registry, ServerView } from "./registry.ts";
import type { RegulatorLink } from "./regulator-link.ts";

const DISCARDED_MAX = 200;

export interface ProcessControlParts {
  readonly server: ServerProcess;
  readonly memory: MemoryFile;
  readonly membership: Membership;
  readonly registry: Registry;
  readonly certificates: CertificateDesk;
  readonly regulator: RegulatorLink;
}

export class ProcessControl {
  readonly #parts: ProcessControlParts;

  constructor(parts: ProcessControlParts) {
    this.#parts = parts;
  }

  async certify(node: string, message: CertifyMessage): Promise<void> {
    const { server: links, certificates } = this.#parts;
    const { server, incarnation } = message;
    if (!this.#mayHaveCertificate(node, message)) {
      links.log.warn({ node, server, incarnation }, "no certificate: the membership places no such process there");
      return;
    }
    try {
      const { certificatePem, serial } = await certificates.issue(message);
      links.send(node, { kind: "certificate", server, incarnation, certificatePem, serial });
    } catch (error) {
      links.log.warn({ node, server, error: error instanceof Error ? error.message : error }, "no certificate");
    }
  }

  /** An agent for itself, and for the processes that the membership places on its node. */
  #mayHaveCertificate(node: string, { server, component, incarnation }: CertifyMessage): boolean {
    const { registry, membership } = this.#parts;
    if (component === "node-agent") return server === node && registry.node(node) !== undefined;
    const placed = membership.find(server);
    const isOrdered = placed?.node === node && placed.component === component;
    return isOrdered && component !== "configuration-manager" && incarnation.startsWith(`${placed.incarnation}.`);
  }

  ended({ server, component }: ServerView, { incarnation, serial, cause }: EndedProcess): void {
    const { server: links, memory, certificates, membership, regulator } = this.#parts;
    links.log.info({ server, incarnation, cause }, "process ended");
    const { discarded } = memory.value;
    const index = discarded.indexOf(`${server} ${incarnation}`);
    if (index >= 0) discarded.splice(index, 1);
    if (certificates.revokeProcess(server, incarnation, serial)) membership.publishDirectory();
    if (component === "execution-server") regulator.serverGone(server, incarnation, cause);
  }

  /** The fence first: from here on nobody believes the process, whatever it still does until it is killed. */
  discard(server: ServerName, incarnation: string): void {
    const { server: links, memory, registry, certificates, membership } = this.#parts;
    const view = registry.server(server);
    if (!view || (view.report !== undefined && view.report.incarnation !== incarnation)) return;
    const { discarded } = memory.value;
    const name = `${server} ${incarnation}`;
    if (!discarded.includes(name)) {
      discarded.push(name);
      if (discarded.length > DISCARDED_MAX) discarded.shift();
      memory.changed();
    }
    if (certificates.revokeProcess(server, incarnation, view.report?.serial)) membership.publishDirectory();
    links.send(view.node, { kind: "processOrder", server, incarnation, action: "shutDown" });
    registry.noteDiscarded(server);
  }
}
