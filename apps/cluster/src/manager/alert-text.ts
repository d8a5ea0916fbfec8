/** An event of the feed as a person reads it in a mail: a subject and a few lines. Metadata only, like the feed itself. */
import { checkTitle, type FeedEvent } from "@redoubt/shared";

export interface AlertText {
  readonly subject: string;
  readonly text: string;
}

/** One sentence per kind; what is not listed is told by its kind and fields. */
function headline(event: FeedEvent): string {
  switch (event.kind) {
    case "node.state":
      return `${event.node} is ${event.to} (was ${event.from}): ${event.cause}`;
    case "server.state":
      return `${event.server} is ${event.to} (was ${event.from}): ${event.cause}`;
    case "server.discarded":
      return `${event.server} was discarded (${event.verdict}): ${event.cause}`;
    case "server.misbehaved":
      return `${event.server}: ${event.act}, refused ${event.count} times so far: ${event.cause}`;
    case "worker.attempt":
      return `${event.server}: code of ${event.operation ?? "the application"} tried ${event.act} (${event.target})`;
    case "storage.damage":
      return `${event.server}: damage of its journal ${event.state} at record ${event.record}${event.object === null ? "" : ` (${event.object}, version ${event.version})`}`;
    case "quarantine.added":
      return `Request quarantined: ${event.title} by ${event.client} from ${event.host} (${event.reason}: ${checkTitle(event.check)})`;
    case "quarantine.changed":
      return `Quarantined request is ${event.to} (was ${event.from}), by ${event.by}`;
    case "host.blocked":
      return `${event.host} is blocked`;
    case "host.unblocked":
      return `${event.host} is no longer blocked, by ${event.by}`;
    case "incident.opened":
      return `Incident: ${event.title}`;
    case "incident.closed":
      return `Incident closed: ${event.title}`;
    case "degree.changed":
      return `${event.decidedBy} wants ${event.wanted} of ${event.component} (were ${event.previous})`;
    default:
      return event.kind;
  }
}

export function alertText(event: FeedEvent, cluster: string, consoleUrl: string): AlertText {
  const line = headline(event);
  const { number, at, kind, severity, ...fields } = event;
  const details = Object.entries(fields).map(([name, value]) => `${name}: ${String(value)}`);
  const link = kind === "quarantine.added" ? `${consoleUrl}/quarantine/${event.requestId}` : consoleUrl;
  return {
    subject: `[${severity}] ${line}`.slice(0, 200),
    text: [line, "", ...details, "", `cluster: ${cluster}`, `event ${number} (${kind}) at ${at}`, link, ""].join("\n"),
  };
}
