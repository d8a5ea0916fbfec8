/**
 * Compromised execution servers that tell members different things, too little, or too much (REQUIREMENTS §C: A4, A5, A6, A16,
 * A17, A22), differently for every change, as the seed decides. What they tell is known to the conspiracy.
 */

import { digestChange, digestEvidence, summarize } from "@redoubt/protocol";
import type { AnyMessage, ChangeRecord, Digest, EvidenceMessage, ServerName } from "@redoubt/shared";
import { chance, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import { nameable } from "./conspiracy.ts";
import { changeFirstNumber } from "./json-tampering.ts";

const REMEMBERED_MAX = 4_096;

export const isApplicationChange = (message: AnyMessage): message is Extract<AnyMessage, { kind: "change" }> =>
  message.kind === "change" && message.record.ticket.body.operation !== "genesis";

/** The same change with another value, or with another reply where it writes nothing. */
export function altered(record: ChangeRecord, by = 7): ChangeRecord {
  const [first, ...others] = record.writes;
  if (!first) return { ...record, reply: changeFirstNumber(record.reply, 1) ?? record.reply };
  return { ...record, writes: [{ ...first, bytes: changeFirstNumber(first.bytes, by) ?? first.bytes }, ...others] };
}

export const membersOf = ({ ticket }: ChangeRecord): readonly ServerName[] => [
  ...new Set(ticket.body.clusters.flatMap(({ members }) => members)),
];

/** Decides once per change, remembers for its retransmissions. */
export class Decisions<Choice> {
  readonly #made = new Map<string, Choice>();

  of(record: ChangeRecord, decide: () => Choice): Choice {
    const { requestId, attempt } = record.ticket.body;
    const name = `${requestId}/${attempt}`;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const choice = decide();
    this.#made.set(name, choice);
    if (this.#made.size > REMEMBERED_MAX) {
      const [oldest] = this.#made.keys();
      if (oldest !== undefined) this.#made.delete(oldest);
    }
    return choice;
  }
}

/** Members that hear the other story; `undefined`: all hear the same one. */
type Split = { readonly others: ReadonlySet<ServerName>; readonly story: ChangeRecord } | "none";

const splitting =
  (
    id: string,
    title: string,
    share: number,
    chooseOthers: (tools: SeededAdversaryTools, record: ChangeRecord) => Iterable<ServerName>,
  ): SeededAdversaryFactory =>
  (tools) => {
    const splits = new Decisions<Split>();
    const other = new Map<Digest, { readonly digest: Digest; readonly members: ReadonlySet<ServerName> }>();
    const split = (record: ChangeRecord): Split => {
      if (!chance(tools, share) || !nameable(tools.hasher, summarize(tools.hasher, record))) return "none";
      const story = altered(record);
      const others = new Set(chooseOthers(tools, record));
      tools.conspiracy.tell(tools.hasher, record);
      tools.conspiracy.tell(tools.hasher, story);
      const digestOf = (told: ChangeRecord): Digest => digestChange(tools.hasher, summarize(tools.hasher, told));
      if (other.size < REMEMBERED_MAX) other.set(digestOf(record), { digest: digestOf(story), members: others });
      return { others, story };
    };
    return {
      id,
      title,
      bendMessage(to, message): readonly AnyMessage[] {
        if (isApplicationChange(message)) {
          const { record } = message;
          const choice = splits.of(record, () => split(record));
          return choice !== "none" && choice.others.has(to) ? [{ ...message, record: choice.story }] : [message];
        }
        return message.kind === "evidence" ? [resigned(tools, to, message, other)] : [message];
      },
    };
  };

/** Signs for everybody what it told them, so that the signature alone proves nothing against it. */
function resigned(
  tools: SeededAdversaryTools,
  to: ServerName,
  message: EvidenceMessage,
  other: ReadonlyMap<Digest, { readonly digest: Digest; readonly members: ReadonlySet<ServerName> }>,
): EvidenceMessage {
  if (!message.digests.some((digest) => other.get(digest)?.members.has(to))) return message;
  const digests = message.digests.map((digest) => {
    const told = other.get(digest);
    return told?.members.has(to) ? told.digest : digest;
  });
  return { kind: "evidence", digests, signature: tools.sign(digestEvidence(tools.hasher, digests)) };
}

export const equivocateAtWill = splitting("A4", "another change set for some replicas", 0.4, (tools, record) => {
  const members = membersOf(record);
  const some = members.filter(() => chance(tools, 0.5));
  return some.length > 0 && some.length < members.length ? some : members.slice(0, 1);
});

/** Accomplices and just enough others hear X, so that t+1 vouch for it; everybody else hears Y. */
export const quorumAndOthers = splitting(
  "A6",
  "one change set for t+1 replicas, another for the rest",
  0.5,
  (tools, record) => {
    const members = membersOf(record);
    const { accomplices } = tools.conspiracy;
    const sorted = [...members].sort((one, other) => Number(accomplices.has(other)) - Number(accomplices.has(one)));
    return sorted.slice(record.ticket.body.faultsTolerated + 1);
  },
);

/** Only accomplices hear the other story, and hear it always. */
export const whisper = splitting("A4", "another change set for accomplices only", 1, (tools, record) =>
  membersOf(record).filter((member) => tools.conspiracy.accomplices.has(member)),
);

/** Only t of the members hear of a change at all, accomplices first; sometimes only those. */
export const partialAtWill: SeededAdversaryFactory = (tools) => {
  const heard = new Decisions<ReadonlySet<ServerName> | "all">();
  const choose = (record: ChangeRecord): ReadonlySet<ServerName> | "all" => {
    if (!chance(tools, 0.4)) return "all";
    const { accomplices } = tools.conspiracy;
    tools.conspiracy.tell(tools.hasher, record);
    const members = [...membersOf(record)].sort(
      (one, other) => Number(accomplices.has(other)) - Number(accomplices.has(one)) || tools.random() - 0.5,
    );
    return new Set(members.slice(0, Math.floor(tools.random() * (record.ticket.body.faultsTolerated + 1))));
  };
  return {
    id: "A5",
    title: "change set to at most t replicas",
    bendMessage(to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const hearing = heard.of(message.record, () => choose(message.record));
      return hearing === "all" || hearing.has(to) ? [message] : [];
    },
  };
};

/** Sends a change to some of the members, then is gone. */
export const dieAfterChange: SeededAdversaryFactory = (tools) => {
  let patience = 1 + Math.floor(tools.random() * 60);
  let isDead = false;
  return {
    id: "A16",
    title: "death between the change sets for two replicas",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (isDead) return [];
      if (!isApplicationChange(message) || --patience > 0) return [message];
      isDead = true;
      tools.die();
      return chance(tools, 0.5) ? [message] : [];
    },
  };
};

/** The reply without the change it speaks of, or nothing. */
export const replyWithoutWrites: SeededAdversaryFactory = (tools) => {
  const withheld = new Decisions<"none" | "writes" | "everything">();
  return {
    id: "A17",
    title: "a reply without its change set",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      const choice = withheld.of(record, () => {
        if (!chance(tools, 0.3)) return "none";
        return chance(tools, 0.5) ? "writes" : "everything";
      });
      if (choice === "none" || (choice === "writes" && record.writes.length === 0)) return [message];
      return choice === "writes" ? [{ ...message, record: { ...record, writes: [] } }] : [];
    },
  };
};

/** The right reply many times, to every member again and as a shadow result to acceptance test servers nobody named. */
export const duplicateReplies: SeededAdversaryFactory = (tools) => {
  const done = new Decisions<boolean>();
  return {
    id: "A22",
    title: "a right reply to several acceptance test servers and several times",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message) || !chance(tools, 0.3)) return [message];
      const { record } = message;
      done.of(record, () => {
        const run = `invented/${record.ticket.body.requestId}`;
        for (const server of ["acceptance-test-server-1", "acceptance-test-server-2", "acceptance-test-server-3"])
          tools.send(server, "acceptance-test-server", { kind: "shadowResult", run, record });
        for (const member of membersOf(record))
          tools.send(member, "state-replica", { kind: "shadowResult", run, record });
        return true;
      });
      return [message, message, message];
    },
  };
};
