/**
 * A captured execution server tells its first lie about a reply, of one kind, and goes on telling it with every change: how
 * long until it is ended (REQUIREMENTS R49)? The change itself goes out as it was made, but for lies about itself.
 */
import type { SeededAdversaryFactory, SeededAdversaryTools } from "@redoubt/adversary";
import { digestText } from "@redoubt/protocol";
import type { AnyMessage, ChangeRecord, RequestId, ServerName } from "@redoubt/shared";
import { CALM } from "../network.ts";
import type { WorldPlan } from "../world.ts";

export const LIES = [
  "invented failure",
  "invented result",
  "invented changes",
  "illegal reply",
  "second reply",
] as const;
export type Lie = (typeof LIES)[number];

export interface Told {
  readonly server: ServerName;
  /** Requests that the lie names although nobody ever made them. */
  readonly invented: RequestId | undefined;
}

/** `told` is called for every lie. */
export const firstLie =
  (lie: Lie, told: (lie: Told) => void = () => undefined) =>
  (plan: WorldPlan): WorldPlan => ({
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 3 },
    clients: ["honest-1", "honest-2", "honest-3"].map((name) => ({ name, operations: 40, attacks: [] })),
    faults: { network: CALM, events: [] },
    behavioursOf: (server, life) =>
      server.startsWith("execution-server") && life === 1 ? [lying(lie, server, told)] : [],
    faultyReplicas: new Set(),
  });

const lying =
  (lie: Lie, server: ServerName, told: (lie: Told) => void): SeededAdversaryFactory =>
  (tools) => {
    const seen = new Map<string, ChangeRecord | undefined>();
    return {
      id: lie,
      title: lie,
      bendMessage(to, message) {
        if (message.kind !== "change" || message.record.ticket.body.operation === "genesis") return [message];
        const { record } = message;
        const { requestId, attempt, clusters } = record.ticket.body;
        const change = `${requestId}/${attempt}`;
        const isFirst = !seen.has(change);
        if (isFirst) {
          const invented = inventedBy(lie, tools);
          seen.set(change, invented && withRequestId(record, invented));
          told({ server, invented });
        }
        const story = seen.get(change);
        if (isFirst && (lie === "invented failure" || lie === "invented result"))
          sendBesides(lie, tools, record, story);
        if (lie === "invented changes" && story) return [message, { ...message, record: story }];
        const [first] = clusters.flatMap(({ members }) => members);
        if (lie === "illegal reply" || (lie === "second reply" && to === first))
          return [{ ...message, record: withAnotherReply(record) }];
        return [message];
      },
    };
  };

const inventedBy = (lie: Lie, { hasher, random }: SeededAdversaryTools): RequestId | undefined =>
  lie.startsWith("invented") && lie !== "invented result"
    ? (digestText(hasher, "invented", `${random()}`) as string as RequestId)
    : undefined;

function sendBesides(
  lie: "invented failure" | "invented result",
  { send }: SeededAdversaryTools,
  record: ChangeRecord,
  story: ChangeRecord | undefined,
): void {
  const { requestId, attempt, clusters } = record.ticket.body;
  if (lie === "invented failure" && story) {
    const about = { requestId: story.ticket.body.requestId, attempt: 1 };
    const failure = { kind: "executionFailed", ...about, reason: "crash", detail: "invented", alsoInside: [] } as const;
    send("traffic-regulator-1", "traffic-regulator", failure);
    return;
  }
  const result: AnyMessage = { kind: "shadowResult", run: `${requestId}/${attempt}`, record };
  for (const member of new Set(clusters.flatMap(({ members }) => members))) send(member, "state-replica", result);
}

const withRequestId = (record: ChangeRecord, requestId: RequestId): ChangeRecord => ({
  ...record,
  ticket: { ...record.ticket, body: { ...record.ticket.body, requestId } },
});

/** What an honest execution would not have answered. */
const withAnotherReply = (record: ChangeRecord): ChangeRecord => ({
  ...record,
  reply: JSON.stringify({ ...(JSON.parse(record.reply) as object), status: 402 }),
});
