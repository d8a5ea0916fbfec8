/** First start of a cluster: its authority, secrets, application bundle, agents' identities and first membership. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { DirectoryMessage } from "@redoubt/shared";
import {
  type CertificateAuthority,
  certificateAuthorityExists,
  createCertificateAuthority,
  openCertificateAuthority,
} from "../adapters/certificates/certificate-authority.ts";
import { generateEvidenceKeyPair, generateLinkKeyPair } from "../adapters/certificates/index.ts";
import { bundleApplication, bundleProblemText } from "../applications/bundle-application.ts";
import { signMembership, writeMembership } from "../node/membership-file.ts";
import { dataLayout, TLS_FILES } from "../runtime/data-layout.ts";
import { portsOf } from "../runtime/ports.ts";
import { type ClusterFile, readClusterFile, writeClusterFile } from "./cluster-file.ts";
import { type checkOptions, UsageError } from "./options.ts";

type Options = ReturnType<typeof checkOptions>;

export const MEMBERSHIP_KEY = "membership-key.pem";
export const CONSOLE_ADMIN_FILE = "console-first-admin.json";

/** Creates what is missing and returns the cluster as it shall start now. */
export async function prepareCluster(options: Options): Promise<ClusterFile> {
  const layout = dataLayout(options.data);
  for (const folder of [options.data, layout.run, layout.logs, layout.applications])
    mkdirSync(folder, { recursive: true });
  for (const folder of [layout.secrets, layout.authority]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const previous = readClusterFile(options.data);
  const application = await chooseApplication(options, previous);
  if (previous && previous.portBase !== options.portBase) {
    throw new UsageError(`--port-base: ${previous.portBase} expected, which this data folder was made with`);
  }
  const cluster = previous ? startAgain(previous, options) : await newCluster(options, application);
  if (!previous) allowFirstStart(options.data, cluster);
  const authority = certificateAuthorityExists(layout.authority)
    ? await openCertificateAuthority(layout.authority)
    : await createCertificateAuthority(layout.authority, cluster.name);
  await makeSecrets(options.data);
  await enrolAgents(options.data, cluster, authority);
  firstMembership(options.data, cluster);
  writeClusterFile(options.data, cluster);
  return cluster;
}

/**
 * A cluster stays with the bundle it was made with: changing the application of a running state is a step of its own.
 * Returns the content address.
 */
async function chooseApplication(options: Options, previous: ClusterFile | undefined): Promise<string> {
  const layout = dataLayout(options.data);
  if (previous && existsSync(join(layout.applications, previous.application))) return previous.application;
  const bundled = await bundleApplication(options.application, layout.applications);
  if (!bundled.ok)
    throw new UsageError(`--app: ${options.application} is refused:\n${bundleProblemText(bundled.error)}`);
  if (previous && previous.application !== bundled.value.hash) {
    throw new UsageError(
      `--app: the bundle ${previous.application.slice(0, 12)} of this cluster is gone from ${layout.applications}`,
    );
  }
  return bundled.value.hash;
}

/** What a cluster is was said at its first start; how long its masters keep old metadata may be said again. */
function startAgain(previous: ClusterFile, { settings }: Options): ClusterFile {
  const { metadataRetentionMs } = settings;
  const again = metadataRetentionMs === undefined ? previous.settings : { ...previous.settings, metadataRetentionMs };
  return { ...previous, settings: again, startedAt: Date.now() };
}

async function newCluster(options: Options, application: string): Promise<ClusterFile> {
  const ports = portsOf(options.portBase);
  const separate = await canBind("127.0.1.1");
  if (!separate && options.nodes > 5)
    throw new UsageError("--nodes: at most 5 expected on a machine whose only loopback address is 127.0.0.1");
  return {
    format: 1,
    name: `redoubt-${randomBytes(4).toString("hex")}`,
    profile: options.profile,
    strictPaper: options.strictPaper,
    drills: options.drills,
    portBase: options.portBase,
    nodes: Array.from({ length: options.nodes }, (_, index) => ({
      name: `node-${index + 1}`,
      address: separate ? `127.0.1.${index + 1}` : "127.0.0.1",
      port: separate ? ports.agent : ports.agentOnOneAddress(index),
    })),
    slotsPerNode: 8,
    degrees: options.wanted,
    settings: options.settings,
    application,
    createdAt: Date.now(),
    startedAt: Date.now(),
  };
}

/** A master finds this once. Later an empty journal is a lost one, and its server comes back as a new member. */
function allowFirstStart(data: string, { degrees, createdAt }: ClusterFile): void {
  for (let number = 1; number <= degrees["state-master"]; number++) {
    const file = dataLayout(data).firstStart(`state-master-${number}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${createdAt}\n`, { flush: true });
  }
}

/** Where the system has only 127.0.0.1, ports alone tell nodes apart. */
const canBind = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(0, address, () => probe.close(() => resolve(true)));
  });

function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600, flush: true });
  chmodSync(file, 0o600);
}

async function makeSecrets(data: string): Promise<void> {
  const layout = dataLayout(data);
  if (!existsSync(layout.adminToken)) writeSecret(layout.adminToken, randomBytes(32).toString("base64url"));
  const authSecret = join(layout.secrets, "auth-secret");
  if (!existsSync(authSecret)) writeSecret(authSecret, randomBytes(32).toString("base64url"));
  const signing = join(layout.authority, MEMBERSHIP_KEY);
  if (!existsSync(signing)) {
    const keys = await generateEvidenceKeyPair();
    writeSecret(`${signing}.pub`, keys.publicKeyPem);
    writeSecret(signing, keys.privateKeyPem);
  }
}

/** The first administrator's name and password, until they have been shown. */
export function firstAdministrator(
  data: string,
  given: { email?: string | undefined; password?: string | undefined },
): { email: string; password: string } | undefined {
  const file = join(dataLayout(data).secrets, CONSOLE_ADMIN_FILE);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as { email: string; password: string };
  if (existsSync(join(dataLayout(data).secrets, "console-admin-shown"))) return undefined;
  const administrator = {
    email: given.email ?? "admin@redoubt.local",
    password: given.password ?? randomBytes(12).toString("base64url"),
  };
  writeSecret(file, JSON.stringify(administrator));
  return administrator;
}

async function enrolAgents(data: string, cluster: ClusterFile, authority: CertificateAuthority): Promise<void> {
  const layout = dataLayout(data);
  const membershipKey = readFileSync(join(layout.authority, `${MEMBERSHIP_KEY}.pub`), "utf8");
  for (const node of cluster.nodes) {
    const folder = layout.tls(node.name, node.name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keys = await generateLinkKeyPair();
    const { certificatePem } = await authority.issueCertificate({
      component: "node-agent",
      server: node.name,
      publicKeyPem: keys.publicKeyPem,
    });
    writeSecret(join(folder, TLS_FILES.privateKey), keys.privateKeyPem);
    writeSecret(join(folder, TLS_FILES.certificate), certificatePem);
    writeSecret(join(folder, TLS_FILES.authority), authority.certificatePem);
    writeSecret(join(folder, "membership-key.pem"), membershipKey);
  }
}

/** Agents and the manager: enough for the manager to take over. An existing membership stays: the manager signed it. */
function firstMembership(data: string, cluster: ClusterFile): void {
  const layout = dataLayout(data);
  const ports = portsOf(cluster.portBase);
  const [first] = cluster.nodes;
  if (!first) throw new UsageError("--nodes: at least 1 expected");
  const privateKey = readFileSync(join(layout.authority, MEMBERSHIP_KEY), "utf8");
  const manager = {
    server: "configuration-manager-1",
    component: "configuration-manager" as const,
    address: first.address,
    port: ports.server("configuration-manager", 1),
  };
  const directory: DirectoryMessage = {
    kind: "directory",
    version: 0,
    peers: [
      manager,
      ...cluster.nodes.map((node) => ({
        server: node.name,
        component: "node-agent" as const,
        address: node.address,
        port: node.port,
      })),
    ],
    revokedSerials: [],
  };
  for (const node of cluster.nodes) {
    if (existsSync(layout.membership(node.name))) continue;
    const servers =
      node === first
        ? [
            {
              server: manager.server,
              component: manager.component,
              port: manager.port,
              desired: "running" as const,
              incarnation: "1",
              settings: {},
            },
          ]
        : [];
    const membership = signMembership(
      { kind: "membership", version: 0, node: node.name, servers, companions: [], directory },
      privateKey,
    );
    writeMembership(layout.membership(node.name), membership);
  }
}
