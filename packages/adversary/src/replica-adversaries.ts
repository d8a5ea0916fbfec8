/**
 * Faulty state replicas: an honest core whose messages are bent on their way out. What it tells the regulator, the masters,
 * execution servers and other members may be any lie; at most t members of an object cluster may tell such. Ids are those of REQUIREMENTS §C where it has one. The simulator
 * chooses from {@link REPLICA_ADVERSARIES}; nothing in production may import them.
 */
import { digestText, type Random } from "@redoubt/protocol";
import type { AnswerMessage, AnyMessage, Digest, ReportMessage, Verdict } from "@redoubt/shared";
import type { Adversary, AdversaryTools } from "./adversary.ts";
import { changeFirstNumber } from "./json-tampering.ts";

export interface ReplicaAdversaryTools extends AdversaryTools {
  /** Whether to lie this time; liars that always lie are found too easily. */
  readonly random: Random;
}

export type ReplicaAdversaryFactory = (tools: ReplicaAdversaryTools) => Adversary;

type Bend = (message: AnyMessage) => AnyMessage | undefined;

/** Lies with the probability given; `undefined` swallows the message. */
const sometimes = ({ random }: ReplicaAdversaryTools, probability: number, bend: Bend): Adversary["bendMessage"] => {
  return (_to, message) => {
    if (random() >= probability) return [message];
    const bent = bend(message);
    return bent ? [bent] : [];
  };
};

const pass: Verdict = { kind: "pass" };
const fail: Verdict = { kind: "fail", check: "invented", detail: "there is nothing wrong with it" };
const opposite = (verdict: Verdict): Verdict => (verdict.kind === "pass" ? fail : pass);

const otherDigest = ({ hasher }: AdversaryTools, digest: Digest): Digest => digestText(hasher, "another", digest);

/** Says nothing at all, or nothing to one component: looks crashed to some and well to others. */
const silent: ReplicaAdversaryFactory = ({ random }) => {
  const deafTo = random() < 0.5 ? undefined : random() < 0.5 ? "state-master" : "traffic-regulator";
  return {
    id: "R-silent",
    title: "a replica that does not answer",
    bendMessage: (to, message) => (deafTo === undefined || to.startsWith(deafTo) ? [] : [message]),
  };
};

/** Names another change, another reply, other ancestors than the one it holds. */
const wrongAnswers: ReplicaAdversaryFactory = (tools) => ({
  id: "B4",
  title: "a replica that answers for changes that do not exist",
  bendMessage: sometimes(tools, 0.3, (message) => {
    if (message.kind === "answer") return bendAnswer(tools, message);
    if (message.kind === "memberAnswer")
      return { ...message, changeDigest: otherDigest(tools, message.changeDigest) } as AnyMessage;
    return message;
  }),
});

function bendAnswer(tools: ReplicaAdversaryTools, answer: AnswerMessage): AnyMessage {
  const draw = tools.random();
  if (draw < 0.4) return { ...answer, changeDigest: otherDigest(tools, answer.changeDigest) };
  if (draw < 0.7) return { ...answer, replyDigest: otherDigest(tools, answer.replyDigest) };
  return { ...answer, follows: draw < 0.85 ? [] : [otherDigest(tools, answer.changeDigest)] };
}

/** The right digest with another text. */
const wrongReplies: ReplicaAdversaryFactory = (tools) => ({
  id: "B7",
  title: "a replica that sends another reply than the one it holds",
  bendMessage: sometimes(tools, 0.7, (message) =>
    message.kind === "answer" && message.reply !== undefined
      ? { ...message, reply: changeFirstNumber(message.reply, 1) ?? "{}" }
      : message,
  ),
});

/** Denies in settlements what it has confirmed, or shows a list that cannot be. */
export const lyingLists: ReplicaAdversaryFactory = (tools) => ({
  id: "R-lists",
  title: "a replica that denies in a settlement what it has confirmed",
  bendMessage: sometimes(tools, 0.8, (message) => {
    if (message.kind === "fenced") return { ...message, hasRecord: !message.hasRecord };
    if (message.kind !== "promised") return message;
    const { undecided } = message;
    if (tools.random() < 0.8) return { ...message, undecided: undecided.filter(() => tools.random() < 0.3) };
    const [first] = undecided;
    return first ? { ...message, undecided: [...undecided, { ...first, serial: first.serial + 1 }] } : message;
  }),
});

/** Verdicts are the wrong way round, on changes, in reports and on shadow runs. */
const falseVerdicts: ReplicaAdversaryFactory = (tools) => ({
  id: "B1",
  title: "a replica whose acceptance test lies",
  bendMessage: sometimes(tools, 0.8, (message) => {
    if (message.kind === "answer" || message.kind === "shadowVerdict")
      return message.verdict ? ({ ...message, verdict: opposite(message.verdict) } as AnyMessage) : message;
    return message.kind === "report" ? bendReport(message) : message;
  }),
});

const bendReport = (message: ReportMessage): AnyMessage => ({
  ...message,
  changes: message.changes.map((change) => ({
    ...change,
    verdict: change.verdict ? opposite(change.verdict) : pass,
  })),
});

/** Feeds execution servers and other members with values and tips that are not so. */
const wrongValues: ReplicaAdversaryFactory = (tools) => ({
  id: "B6",
  title: "a replica that gives out other values than it holds",
  bendMessage: sometimes(tools, 0.6, (message) => {
    if (message.kind === "changes")
      return { ...message, records: message.records.map((record) => ({ ...record, serial: record.serial + 1 })) };
    if (message.kind !== "fetched") return message;
    return {
      ...message,
      objects: message.objects.map(({ object, version }) => ({
        object,
        version: version && { ...version, bytes: changeFirstNumber(version.bytes, 5) ?? version.bytes },
      })),
      tips: message.tips.map((tip) => ({ ...tip, follows: otherDigest(tools, tip.follows) })),
    };
  }),
});

/** Refuses everything, reports gaps that are not there, and says after every word that it has just restarted. */
const troublemaker: ReplicaAdversaryFactory = (tools) => ({
  id: "R-trouble",
  title: "a replica that wants new epochs all the time and slanders execution servers",
  bendMessage(_to, message): readonly AnyMessage[] {
    if (message.kind === "follow") return [{ ...message, restarted: true }];
    if (message.kind === "report") {
      const [first] = message.changes;
      const link = first?.summary.links[0];
      if (!link || tools.random() < 0.5) return [message];
      return [message, { kind: "gap", epoch: link.epoch, cluster: link.cluster, fromSerial: 1 }];
    }
    if (message.kind !== "answer" || tools.random() < 0.7) return [message];
    const { requestId, attempt } = message;
    const slander = { executionServer: "execution-server-1", requestId, attempt, reason: "scope", detail: "invented" };
    return [message, { kind: "refusalReport", ...slander }];
  },
});

export const REPLICA_ADVERSARIES: readonly ReplicaAdversaryFactory[] = [
  silent,
  wrongAnswers,
  wrongReplies,
  lyingLists,
  falseVerdicts,
  wrongValues,
  troublemaker,
];
