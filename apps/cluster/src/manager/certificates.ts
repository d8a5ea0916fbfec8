/**
 * Who gets a certificate, and whose no longer counts. A certificate is issued to a node agent only, only for a server that
 * the placement has on its node, and ends with the process it was made for: at its end or its discard its serial is
 * revoked everywhere (PROTOCOL §10, REQUIREMENTS U42).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CertifyMessage, ServerName } from "@redoubt/shared";
import { type CertificateAuthority, LEAF_LIFETIME_HOURS_MAX } from "../adapters/certificates/certificate-authority.ts";
import { generateLinkKeyPair } from "../adapters/certificates/index.ts";
import { layDownKeys } from "../node/server-runner.ts";
import { TLS_FILES } from "../runtime/data-layout.ts";
import type { MemoryFile } from "./memory.ts";

const LIFETIME_MS = LEAF_LIFETIME_HOURS_MAX * 3_600_000;
const REVOKED_MAX = 2_000;
const ISSUED_MAX = 1_000;

interface Issued {
  readonly certificatePem: string;
  readonly serial: string;
}

export class CertificateDesk {
  readonly #authority: CertificateAuthority;
  readonly #memory: MemoryFile;
  /** By process and key, oldest first. */
  readonly #issued = new Map<string, Promise<Issued>>();
  readonly #serials = new Map<string, Set<string>>();

  constructor(authority: CertificateAuthority, memory: MemoryFile) {
    this.#authority = authority;
    this.#memory = memory;
  }

  /** The same question gets the same certificate: agents repeat it until they have an answer. */
  issue({ server, component, incarnation, publicKeyPem }: CertifyMessage): Promise<Issued> {
    const key = `${server} ${incarnation} ${publicKeyPem}`;
    const known = this.#issued.get(key);
    if (known) return known;
    const issued = this.#authority
      .issueCertificate({ component, server, publicKeyPem })
      .then(({ certificatePem, serial }) => {
        this.noteSerial(server, incarnation, serial);
        return { certificatePem, serial };
      });
    this.#issued.set(key, issued);
    issued.catch(() => this.#issued.delete(key));
    if (this.#issued.size > ISSUED_MAX) {
      const [oldest] = this.#issued.keys();
      if (oldest !== undefined) this.#issued.delete(oldest);
    }
    return issued;
  }

  /** What an agent reports of a process that was certified before this manager started. */
  noteSerial(server: ServerName, incarnation: string, serial: string): void {
    if (serial === "") return;
    const key = `${server} ${incarnation}`;
    const serials = this.#serials.get(key);
    if (serials) serials.add(serial);
    else this.#serials.set(key, new Set([serial]));
    if (this.#serials.size > ISSUED_MAX) {
      const [oldest] = this.#serials.keys();
      if (oldest !== undefined) this.#serials.delete(oldest);
    }
  }

  /** Revokes what this process was given. True when something was revoked that was not before; remembered when it returns. */
  revokeProcess(server: ServerName, incarnation: string, reportedSerial = ""): boolean {
    this.noteSerial(server, incarnation, reportedSerial);
    const serials = [...(this.#serials.get(`${server} ${incarnation}`) ?? [])];
    const { revoked } = this.#memory.value;
    const fresh = serials.filter((serial) => !Object.hasOwn(revoked, serial));
    if (fresh.length === 0) return false;
    for (const serial of fresh) revoked[serial] = Date.now() + LIFETIME_MS;
    this.#forgetExpired();
    this.#memory.write();
    return true;
  }

  get revokedSerials(): string[] {
    return Object.keys(this.#memory.value.revoked);
  }

  #forgetExpired(): void {
    const { revoked } = this.#memory.value;
    const now = Date.now();
    for (const [serial, until] of Object.entries(revoked)) if (until < now) delete revoked[serial];
    for (const serial of Object.keys(revoked).slice(0, Math.max(0, Object.keys(revoked).length - REVOKED_MAX)))
      delete revoked[serial];
  }
}

/** The manager's own certificate: it holds the authority, and nobody else is there at a cold start. */
export async function certifySelf(authority: CertificateAuthority, server: ServerName, folder: string): Promise<void> {
  const keys = await generateLinkKeyPair();
  const { certificatePem } = await authority.issueCertificate({
    component: "configuration-manager",
    server,
    publicKeyPem: keys.publicKeyPem,
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, TLS_FILES.authority), authority.certificatePem, { mode: 0o600 });
  layDownKeys(folder, keys.privateKeyPem, certificatePem);
}

/** The key by which agents know that a membership is the manager's. */
export const readMembershipKey = (authorityFolder: string): string =>
  readFileSync(join(authorityFolder, "membership-key.pem"), "utf8");
