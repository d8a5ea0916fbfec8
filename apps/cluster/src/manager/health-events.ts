/** What a change of state of a node or server means: an event, an incident where people should look, its end when it is over. */
import type { NodeState, ServerCondition, ServerName, ServerState } from "@redoubt/shared";
import type { ManagerFeed } from "./feed.ts";
import type { Incidents } from "./incidents.ts";
import type { NodeView, ServerView } from "./registry.ts";

const LINK_VIOLATION = "link-violation";

const sentence = (text: string): string => text.slice(0, 2_000);

export function tellServerState(
  { feed, incidents }: { feed: ManagerFeed; incidents: Incidents },
  view: ServerView,
  from: ServerState,
): void {
  const { server, component, node, state: to, cause } = view;
  const severity = to === "down" ? "warning" : to === "suspect" ? "notice" : "info";
  void feed.record({ kind: "server.state", severity, server, component, node, from, to, cause: sentence(cause) });
  // What the next process of that name does is another matter, and is to be heard of.
  if (to === "down") void incidents.closeAbout(LINK_VIOLATION, server, "the process that did it has ended");
  const key = `server-down:${server}`;
  if (to === "down" && (from === "up" || from === "suspect"))
    void incidents.report({
      key,
      kind: "server-down",
      title: `${server} is down`,
      severity: "warning",
      subject: server,
      text: cause,
      evidence: { node, cause },
    });
  else if (to === "up") void incidents.close(key, "works again");
}

export function tellNodeState(
  { feed, incidents }: { feed: ManagerFeed; incidents: Incidents },
  node: NodeView,
  from: NodeState,
  cause: string,
): void {
  const to = node.state;
  const severity = to === "down" ? "warning" : to === "suspect" ? "notice" : "info";
  void feed.record({ kind: "node.state", severity, node: node.name, from, to, cause: sentence(cause) });
  const key = `node-down:${node.name}`;
  if (to === "down")
    void incidents.report({
      key,
      kind: "node-down",
      title: `${node.name} is down`,
      severity: "warning",
      subject: node.name,
      text: cause,
      evidence: { cause },
    });
  else if (to === "up") void incidents.close(key, "its agent reports again");
}

/** A server that runs but cannot serve: its disk is full (docs/OPERATIONS.md). */
export function tellCondition(incidents: Incidents, server: ServerName, condition: ServerCondition | undefined): void {
  const key = `disk-full:${server}`;
  if (condition !== "disk-full") {
    void incidents.close(key, "there is room on the disk again");
    return;
  }
  void incidents.report({
    key,
    kind: "disk-full",
    title: `The disk of ${server} is full`,
    severity: "critical",
    subject: server,
    text: "It acknowledges nothing until there is room again, and goes on by itself then. Nothing is lost.",
    evidence: { condition },
  });
}

/** A peer that broke the rules of the links, as the server at the other end saw it (DESIGN §10). */
export function tellViolations(
  incidents: Incidents,
  reporter: ServerName,
  violations: readonly { readonly at: number; readonly peer: string; readonly reason: string }[],
): void {
  // What a revoked certificate still tries is what revocation is for, and no news.
  const news = violations.filter(({ reason }) => !reason.includes("is revoked"));
  const byPeer = new Map(news.map((violation) => [violation.peer, violation]));
  for (const { peer, reason } of byPeer.values())
    void incidents.report({
      key: `${LINK_VIOLATION}:${reporter}:${peer}`,
      kind: LINK_VIOLATION,
      title: `${peer} broke the rules of the link to ${reporter}`,
      severity: "warning",
      subject: peer,
      text: sentence(reason),
      evidence: { reporter, peer, reason },
    });
}
