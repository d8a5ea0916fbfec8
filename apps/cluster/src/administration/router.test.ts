import { beforeAll, describe, expect, it } from "vitest";
import { MemoryFeed, recordingPort } from "../../fixtures/recording-port.ts";
import { permissions } from "./permissions.ts";
import { type Actor, AdministrationError, type QuarantineItem, type Role, roles } from "./port.ts";
import { decideRelease } from "./release-policy.ts";
import { administrationRouter } from "./router.ts";
import type { ProcedureMeta } from "./trpc.ts";

const requestId = "ab".repeat(32);
const person = (role: Role, name = `${role}@example.org`): Actor => ({ name, role, via: "console" });
const low = { requestId, severity: "low", state: "new", who: { releaseRequestedBy: null } };
const answers = { quarantineItem: async () => low as QuarantineItem };

function callerFor(actor: Actor | null, recorded = recordingPort(answers)) {
  return {
    ...recorded,
    caller: administrationRouter.createCaller({ actor, port: recorded.port, feed: new MemoryFeed() }),
  };
}

const procedures = Object.entries(administrationRouter._def.procedures) as unknown as [
  string,
  { _def: { meta: ProcedureMeta | undefined; type: string } },
][];

describe("authorisation", () => {
  it.each(procedures)(
    "%s names its permission and refuses everybody without it before the port is asked",
    async (path, procedure) => {
      const meta = procedure._def.meta;
      expect(meta?.permission).toBeDefined();
      const allowed: readonly Role[] = permissions[(meta as ProcedureMeta).permission];
      const [subject, verb] = path.split(".") as [string, string];
      for (const actor of [null, ...roles.filter((role) => !allowed.includes(role)).map((role) => person(role))]) {
        const { caller, calls } = callerFor(actor);
        const subjects = caller as unknown as Record<string, Record<string, (input: unknown) => Promise<unknown>>>;
        await expect(subjects[subject]?.[verb]?.({})).rejects.toMatchObject({
          code: actor === null ? "UNAUTHORIZED" : "FORBIDDEN",
        });
        expect(calls).toEqual([]);
      }
    },
  );

  it("gives a role that nobody defined nothing at all", async () => {
    const { caller } = callerFor({ name: "x", role: "root" as Role, via: "console" });
    await expect(caller.cluster.status()).rejects.toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("audit (I12)", () => {
  it("records a change before it takes effect, with actor, subject and reason", async () => {
    const { caller, calls, audited } = callerFor(person("reviewer"));
    await caller.quarantine.confirm({ requestId, reason: "seen in the pen test" });
    expect(calls).toEqual(["audit", "quarantineConfirm"]);
    expect(audited[0]).toMatchObject({
      actor: { name: "reviewer@example.org", via: "console" },
      action: "quarantine.confirm",
      subject: requestId,
      reason: "seen in the pen test",
    });
  });

  it("lets nothing happen when the entry cannot be written", async () => {
    const failing = recordingPort({
      audit: () => Promise.reject(new AdministrationError("unavailable", "masters have no quorum")),
    });
    const { caller, calls } = callerFor(person("admin"), failing);
    await expect(caller.clients.revoke({ client: "shop" })).rejects.toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      message: "masters have no quorum",
    });
    expect(calls).toEqual(["audit"]);
  });

  it("keeps verification codes out of the log", async () => {
    const own = recordingPort({ subscriptions: async () => [{ subscriptionId: "s1" } as never] });
    const { caller, audited } = callerFor(person("viewer"), own);
    await caller.subscriptions.verify({ subscriptionId: "s1", code: "123456" });
    expect(audited[0]?.detail).not.toContain("123456");
  });

  it("audits every mutation that changes something", () => {
    const unaudited = procedures.filter(([, { _def }]) => _def.type === "mutation" && _def.meta?.audited !== true);
    expect(unaudited.map(([path]) => path).sort()).toEqual(["audit.verify", "degrees.plan", "degrees.rollback"]);
  });
});

describe("quarantine", () => {
  it("releases a low-severity request on one person's word", async () => {
    const { caller, calls } = callerFor(person("reviewer"));
    await caller.quarantine.release({ requestId, reason: "false alarm" });
    expect(calls).toEqual(["audit", "quarantineItem", "quarantineRelease"]);
  });

  it("only records the wish for a second person when severity is high, whoever asks", async () => {
    const high = recordingPort({ quarantineItem: async () => ({ ...low, severity: "high" }) as QuarantineItem });
    const { caller, calls } = callerFor({ name: "local", role: "admin", via: "local" }, high);
    await caller.quarantine.release({ requestId, reason: "false alarm" });
    expect(calls).toEqual(["audit", "quarantineItem", "quarantineRequestRelease"]);
  });

  it.each([
    ["the requester approves", "ann", "approver", "refuse"],
    ["an administrator approves", "bob", "admin", "refuse"],
    ["another approver approves", "bob", "approver", "release"],
  ] as const)("decides a high-severity release when %s", (_case, name, role, expected) => {
    const item = { severity: "high", state: "waiting-second", who: { releaseRequestedBy: "ann" } } as QuarantineItem;
    expect(decideRelease(item, { name, role }).kind).toBe(expected);
  });

  it("shows a payload only with an audit entry, and unmasked only with a reason", async () => {
    const viewer = callerFor(person("viewer"));
    await expect(viewer.caller.quarantine.payload({ requestId })).rejects.toMatchObject({ code: "FORBIDDEN" });
    const administrator = callerFor(person("admin"));
    await expect(administrator.caller.quarantine.payload({ requestId })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(administrator.calls).not.toContain("quarantinePayload");
    const reviewer = callerFor(person("reviewer"));
    await reviewer.caller.quarantine.payload({ requestId });
    expect(reviewer.calls).toEqual(["audit", "quarantinePayload"]);
  });
});

describe("subscriptions", () => {
  it("hides other people's subscriptions from everybody but administrators", async () => {
    const owners: (string | null)[] = [];
    const subscriptions = async (owner: string | null) => {
      owners.push(owner);
      return [];
    };
    const port = () => recordingPort({ subscriptions });
    await callerFor(person("viewer"), port()).caller.subscriptions.list();
    await callerFor(person("admin"), port()).caller.subscriptions.list();
    expect(owners).toEqual(["viewer@example.org", null]);
    const stranger = callerFor(person("viewer"), port());
    await expect(stranger.caller.subscriptions.testSend({ subscriptionId: "s9" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(stranger.calls).not.toContain("subscriptionTestSend");
  });
});

describe("input", () => {
  let messages: Record<string, string>;
  beforeAll(async () => {
    const { caller } = callerFor(person("admin"));
    const failure = (promise: Promise<unknown>) => promise.then(String, (error: { message: string }) => error.message);
    messages = {
      requestId: await failure(caller.quarantine.item({ requestId: "42" })),
      object: await failure(caller.state.show({ object: "account" })),
      target: await failure(caller.degrees.plan({ component: "execution-server", unit: "count", target: 2.5 })),
      address: await failure(
        caller.subscriptions.add({ channel: "webhook", address: "ftp://x", minimumSeverity: "warning", kinds: [] }),
      ),
    };
  });
  it.each(["requestId", "object", "target", "address"])("an error about %s names the field", (field) => {
    expect(messages[field]).toContain(field);
    expect(messages[field]).toContain("expected");
  });
});
