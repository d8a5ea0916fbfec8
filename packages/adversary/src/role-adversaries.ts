/**
 * Compromised execution servers that speak as if they were somebody else, with the certificate they have (REQUIREMENTS §C:
 * A28), and those that send bytes which are no message at all (A34).
 */
import type { AnyMessage, ChangeRecord, Component, ServerName } from "@redoubt/shared";
import type { SeededAdversaryFactory, SeededAdversaryTools } from "./adversary.ts";
import { isApplicationChange } from "./multicast-adversaries.ts";

const memberOf = ({ ticket }: ChangeRecord): ServerName => ticket.body.clusters[0]?.members[0] ?? "state-replica-1";

/** Does something beside the first change it sends, then every so many changes again. */
const besideChanges =
  (
    id: string,
    title: string,
    act: (tools: SeededAdversaryTools, record: ChangeRecord) => void,
  ): SeededAdversaryFactory =>
  (tools) => {
    let changes = 0;
    return {
      id,
      title,
      bendMessage(_to, message) {
        if (isApplicationChange(message) && changes++ % EVERY === 0) {
          tools.did?.(id);
          act(tools, message.record);
        }
        return [message];
      },
    };
  };
const EVERY = 6;

/** Words of a replica, an acceptance test server and the regulator, about a request it was given. */
export const impersonateOthers = besideChanges(
  "A28",
  "words of other components under its own name",
  (tools, record) => {
    const { requestId, attempt } = record.ticket.body;
    const impersonations: readonly [ServerName, Component, object][] = [
      ["traffic-regulator-1", "traffic-regulator", { kind: "outcomes", outcomes: [] }],
      ["state-master-1", "state-master", { kind: "close", requestId, home: 1 }],
      [memberOf(record), "state-replica", { kind: "ticketKey", regulatorEpoch: 1, key: "00".repeat(32) }],
      [memberOf(record), "state-replica", { kind: "fence", requestId, home: 1, attempt }],
    ];
    for (const [to, component, message] of impersonations) tools.send(to, component, message as AnyMessage);
  },
);

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const text = (value: string): Uint8Array => Uint8Array.from(value, (character) => character.charCodeAt(0));

/** No message, half a message, messages of other codecs, names that reach for prototypes, nesting without end. */
const GARBAGE: readonly Uint8Array[] = [
  Uint8Array.of(0),
  Uint8Array.of(1, 2, 3),
  Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
  text('{"kind":"change","__proto__":{"isPrimary":true},"constructor":{"prototype":{}}}'),
  text(nested(100_000)),
  // The header of a gzip stream that would unpack to something large, were anybody to unpack it.
  Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, ...new Array<number>(2_000).fill(0xff)),
  new Uint8Array(4 * 1024 * 1024),
];

export const malformedFrames: SeededAdversaryFactory = (tools) => {
  let turn = 0;
  return besideChanges("A34", "frames that are no messages, and messages that are none of ours", (own, record) => {
    const frame = GARBAGE[turn++ % GARBAGE.length];
    if (frame) own.sendFrame?.(memberOf(record), frame);
    if (frame) own.sendFrame?.("traffic-regulator-1", frame);
  })(tools);
};
