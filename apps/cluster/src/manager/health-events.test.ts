import type { FeedEvent } from "@redoubt/shared";
import type { Logger } from "pino";
import { describe, expect, it } from "vitest";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";
import { tellServerState, tellViolations } from "./health-events.ts";
import { Incidents } from "./incidents.ts";
import type { ServerView } from "./registry.ts";

interface Row {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly title: string;
  readonly subject: string;
  readonly openedAt: Date;
  closedAt: Date | null;
}

/** What manager-store.test.ts shows of the real table: one open incident per key. */
function parts() {
  const rows: Row[] = [];
  const told: string[] = [];
  const openOf = (key: string) => rows.find((row) => row.key === key && row.closedAt === null);
  const incidents = {
    report: (report: Row & { at: Date }) => {
      const open = openOf(report.key);
      if (open) return Promise.resolve({ incident: open, opened: false });
      rows.push({ ...report, openedAt: report.at, closedAt: null });
      return Promise.resolve({ incident: rows.at(-1), opened: true });
    },
    close: (key: string, _text: string, at: Date) => {
      const open = openOf(key);
      if (open) open.closedAt = at;
      return Promise.resolve(open ?? null);
    },
    list: () => Promise.resolve(rows.filter(({ closedAt }) => closedAt === null)),
  };
  const database = { persistently: (work: (store: unknown) => unknown) => work({ incidents }) };
  const feed = {
    record: (event: FeedEvent) => {
      told.push(event.kind === "incident.opened" ? `opened: ${event.title}` : event.kind);
      return Promise.resolve();
    },
  } as unknown as ManagerFeed;
  const log = { error: (...words: unknown[]) => told.push(JSON.stringify(words)) } as unknown as Logger;
  return { feed, told, incidents: new Incidents(database as unknown as ManagerDatabase, feed, log) };
}

const violation = { at: 1, peer: "execution-server-1", reason: "malformed frame: truncated" };
const OPENED = "opened: execution-server-1 broke the rules of the link to state-replica-1";

const view = (state: ServerView["state"]): ServerView =>
  ({
    ...{ server: "execution-server-1", component: "execution-server", node: "node-1" },
    ...{ state, cause: "its process ended: signal SIGKILL" },
  }) as unknown as ServerView;

describe("a peer that broke the rules of the links", () => {
  it("is told of once while its process lives, and again when the next process does it", async () => {
    const { feed, incidents, told } = parts();
    const opened = () => told.filter((line) => line === OPENED).length;
    tellViolations(incidents, "state-replica-1", [violation]);
    tellViolations(incidents, "state-replica-1", [violation]);
    await incidents.close("nothing", "waits for what was told before");
    expect(opened()).toBe(1);
    tellServerState({ feed, incidents }, view("down"), "discarded");
    tellViolations(incidents, "state-replica-1", [violation]);
    await incidents.close("nothing", "waits for what was told before");
    expect(opened()).toBe(2);
  });

  it("stays open when another server ends", async () => {
    const { feed, incidents, told } = parts();
    tellViolations(incidents, "state-replica-1", [violation]);
    tellServerState({ feed, incidents }, { ...view("down"), server: "execution-server-2" }, "discarded");
    await incidents.close("nothing", "waits for what was told before");
    expect(told).not.toContain("incident.closed");
  });
});
