/** Which event of the manager proves that a server's misbehaviour was found, and what of it is worth telling. Pure. */
import type { FeedEvent } from "@redoubt/shared";
import type { DrillEvidence } from "../administration/index.ts";
import type { Expectation } from "./catalogue.ts";

export interface Found {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly evidence: DrillEvidence;
}

/** The first event from `since` on (milliseconds since 1970) that names the server and is one of those expected. */
export function findEvidence(
  events: readonly FeedEvent[],
  server: string,
  since: number,
  expects: Expectation,
): Found | undefined {
  for (const event of events) {
    const at = Date.parse(event.at);
    const told = at >= since ? tell(event, server, expects) : undefined;
    if (told)
      return { at, by: told.by, evidence: { ...NOTHING, ...told.evidence, event: event.number, kind: event.kind } };
  }
  return undefined;
}

type Told = { readonly by: string; readonly evidence: Partial<DrillEvidence> };

const NOTHING = { server: "", cause: "", requestId: null, reporters: [], changeDigests: [] };

function tell(event: FeedEvent, server: string, expects: Expectation): Told | undefined {
  switch (event.kind) {
    case "server.misbehaved": {
      if (event.server !== server || !expects.acts?.includes(event.act)) return undefined;
      const { cause, requestId, reporters, changeDigests } = event;
      return { by: event.act, evidence: { server, cause, requestId, reporters, changeDigests } };
    }
    case "server.discarded": {
      if (event.server !== server || !expects.discarded?.test(event.cause)) return undefined;
      const { cause, requestId } = event;
      return { by: cause.split(":")[0] ?? cause, evidence: { server, cause, requestId } };
    }
    case "incident.opened":
      if (event.subject !== server || !expects.incident?.test(event.title)) return undefined;
      return { by: event.title, evidence: { server, cause: event.title } };
    case "worker.attempt":
      if (event.server !== server || !expects.attempts?.includes(event.act)) return undefined;
      return {
        by: `attempt seen by the ${event.witness}: ${event.act}`,
        evidence: { server, cause: `${event.act} of ${event.target}`, requestId: event.requestId },
      };
    case "server.state":
      if (event.server !== server || event.to === "up" || !expects.ended) return undefined;
      return { by: `process ended: ${event.cause}`, evidence: { server, cause: event.cause } };
    default:
      return undefined;
  }
}
