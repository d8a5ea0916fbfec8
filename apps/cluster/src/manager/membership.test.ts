import { join } from "node:path";
import type { DirectoryMessage, MembershipMessage } from "@redoubt/shared";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCertificateAuthority } from "../adapters/certificates/certificate-authority.ts";
import { generateEvidenceKeyPair, generateLinkKeyPair, type KeyPairPem } from "../adapters/certificates/index.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../adapters/testing/temporary-directory.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { isSignedMembership } from "../node/membership-file.ts";
import { CertificateDesk } from "./certificates.ts";
import { Membership } from "./membership.ts";
import { MemoryFile } from "./memory.ts";

const degrees = {
  "traffic-regulator": 1,
  "execution-server": 3,
  "acceptance-test-server": 0,
  "state-replica": 3,
  "state-master": 3,
  "configuration-manager": 1,
};
const cluster: ClusterFile = {
  format: 1,
  name: "test",
  profile: "optimized",
  strictPaper: false,
  drills: true,
  portBase: 20_000,
  nodes: [1, 2, 3].map((number) => ({ name: `node-${number}`, address: `127.0.1.${number}`, port: 20_009 })),
  slotsPerNode: 8,
  degrees: { ...degrees, "acceptance-test-server": 3 },
  settings: {},
  application: "ab".repeat(32),
  createdAt: 0,
  startedAt: 0,
};

let scratch: TemporaryDirectory;
let keys: KeyPairPem;
let sent: { to: string; message: MembershipMessage | DirectoryMessage }[];

beforeEach(async () => {
  scratch = temporaryDirectory();
  keys = await generateEvidenceKeyPair();
  sent = [];
});
afterEach(() => scratch.remove());

async function newMembership(): Promise<{ membership: Membership; certificates: CertificateDesk; memory: MemoryFile }> {
  const folder = join(scratch.path, `ca-${sent.length}-${Math.random().toString(36).slice(2)}`);
  const authority = await createCertificateAuthority(folder, "test");
  const memory = new MemoryFile(scratch.path);
  const certificates = new CertificateDesk(authority, memory);
  const membership = new Membership({
    cluster,
    memory,
    certificates,
    signingKey: keys.privateKeyPem,
    onPlaced: () => undefined,
    server: {
      environment: { server: "configuration-manager-1" },
      send: (to, message) => sent.push({ to, message }),
      takeDirectory: () => undefined,
    },
  });
  return { membership, certificates, memory };
}

const lastOf = (node: string): MembershipMessage | undefined =>
  sent.flatMap(({ to, message }) => (to === node && message.kind === "membership" ? [message] : [])).at(-1);
const lastDirectory = (): DirectoryMessage | undefined =>
  sent.flatMap(({ message }) => (message.kind === "directory" ? [message] : [])).at(-1);

describe("membership", () => {
  test("is signed for every node, and together places every server once", async () => {
    const { membership } = await newMembership();
    expect(membership.want(degrees).ok).toBe(true);
    const messages = cluster.nodes.map(({ name }) => lastOf(name));
    for (const message of messages) expect(message && isSignedMembership(message, keys.publicKeyPem)).toBe(true);
    const servers = messages.flatMap((message) => message?.servers.map(({ server }) => server) ?? []);
    expect(servers.sort()).toEqual(
      Object.entries(degrees)
        .flatMap(([component, count]) => Array.from({ length: count }, (_, index) => `${component}-${index + 1}`))
        .sort(),
    );
    const ports = messages.flatMap((message) => message?.servers.map(({ port }) => port) ?? []);
    expect(new Set(ports).size).toBe(ports.length);
  });

  test("never changes the manager's own order, which would restart the manager", async () => {
    const { membership } = await newMembership();
    membership.want(degrees);
    const own = cluster.nodes
      .flatMap(({ name }) => lastOf(name)?.servers ?? [])
      .find(({ component }) => component === "configuration-manager");
    expect(own).toMatchObject({ incarnation: "1", settings: {} });
  });

  test("of a manager that starts again has the same version and the same orders: nothing is restarted", async () => {
    const first = await newMembership();
    first.membership.want(degrees);
    const { version } = first.membership;
    const before = cluster.nodes.map(({ name }) => lastOf(name)?.servers);
    const second = await newMembership();
    second.membership.resume();
    expect(second.membership.version).toBe(version);
    expect(cluster.nodes.map(({ name }) => lastOf(name)?.servers)).toEqual(before);
    sent = [];
    second.membership.bringUpToDate("node-1", version);
    expect(sent).toEqual([]);
    second.membership.bringUpToDate("node-1", version - 1);
    expect(lastOf("node-1")?.version).toBe(version);
  });

  test("grows beyond what an agent knows when the manager's memory was lost", async () => {
    const { membership } = await newMembership();
    membership.want(degrees);
    const known = membership.version + 1_000_000;
    membership.bringUpToDate("node-2", known);
    expect(lastOf("node-2")?.version).toBeGreaterThan(known);
  });

  test("replaces one process and no other; a drill's entry is part of that order only", async () => {
    const { membership } = await newMembership();
    membership.want(degrees);
    const orderOf = (server: string) =>
      cluster.nodes.flatMap(({ name }) => lastOf(name)?.servers ?? []).find((order) => order.server === server);
    const before = orderOf("execution-server-2");
    expect(membership.replace("execution-server-1", "drills/a1.js")).toBe(true);
    expect(orderOf("execution-server-1")).toMatchObject({ settings: { entry: "drills/a1.js" } });
    expect(orderOf("execution-server-1")?.incarnation).not.toBe("1");
    expect(orderOf("execution-server-2")).toEqual(before);
    expect(orderOf("execution-server-1")?.settings.entryLasts).toBeUndefined();
    membership.replace("execution-server-1", "drills/a1.js", true);
    expect(orderOf("execution-server-1")).toMatchObject({ settings: { entry: "drills/a1.js", entryLasts: "true" } });
    membership.replace("execution-server-1");
    expect(orderOf("execution-server-1")?.settings.entry).toBeUndefined();
    expect(orderOf("execution-server-1")?.settings.entryLasts).toBeUndefined();
    expect(membership.replace("execution-server-9")).toBe(false);
  });

  test("keeps a server ended, by a manager after this one too, until it is started again; its place stays", async () => {
    const { membership } = await newMembership();
    membership.want(degrees);
    const desiredOf = (server: string) =>
      cluster.nodes.flatMap(({ name }) => lastOf(name)?.servers ?? []).find((order) => order.server === server)
        ?.desired;
    const { placement, version } = membership;
    expect(membership.end("state-replica-2", "killed")).toBe(true);
    expect(desiredOf("state-replica-2")).toBe("killed");
    expect(membership.version).toBeGreaterThan(version);
    const { membership: next } = await newMembership();
    next.resume();
    expect(desiredOf("state-replica-2")).toBe("killed");
    expect(next.placement.map(({ server }) => server)).toEqual(placement.map(({ server }) => server));
    next.end("state-replica-2", undefined);
    expect(desiredOf("state-replica-2")).toBe("running");
    expect(next.end("state-replica-9", "stopped")).toBe(false);
  });

  test("is refused, and nothing changed, when slots are missing", async () => {
    const { membership } = await newMembership();
    membership.want(degrees);
    const { version } = membership;
    const refused = membership.want({ ...degrees, "execution-server": 16, "acceptance-test-server": 3 });
    expect(refused.ok ? undefined : refused.error).toEqual({ component: "acceptance-test-server", missing: 3 });
    expect(membership.version).toBe(version);
    expect(membership.of("execution-server")).toHaveLength(3);
  });
});

describe("certificates", () => {
  const question = async (incarnation: string) => ({
    kind: "certify" as const,
    server: "execution-server-1",
    component: "execution-server" as const,
    incarnation,
    publicKeyPem: (await generateLinkKeyPair()).publicKeyPem,
  });

  test("are the same for the same question, and another for another process", async () => {
    const { certificates } = await newMembership();
    const asked = await question("1.a");
    const [first, again] = await Promise.all([certificates.issue(asked), certificates.issue(asked)]);
    expect(again.serial).toBe(first.serial);
    expect((await certificates.issue(await question("1.b"))).serial).not.toBe(first.serial);
  });

  test("of a process that ended are revoked in the next directory, also after the manager started again", async () => {
    const { certificates, membership } = await newMembership();
    membership.want(degrees);
    const { serial } = await certificates.issue(await question("1.a"));
    expect(certificates.revokeProcess("execution-server-1", "1.a")).toBe(true);
    expect(certificates.revokeProcess("execution-server-1", "1.a")).toBe(false);
    membership.publishDirectory();
    expect(lastDirectory()?.revokedSerials).toEqual([serial]);
    const successor = await newMembership();
    successor.membership.resume();
    expect(lastDirectory()?.revokedSerials).toEqual([serial]);
  });

  test("issued under an earlier manager can be revoked by the serial the agent reports", async () => {
    const { certificates } = await newMembership();
    certificates.revokeProcess("state-replica-1", "1.x", "ABCD");
    expect(certificates.revokedSerials).toEqual(["ABCD"]);
  });
});
