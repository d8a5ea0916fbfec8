/**
 * Faulty state replicas: an honest core whose messages are bent on their way out. What it tells the regulator, the masters,
 * execution servers and other members may be any lie; at most t members of an object cluster may tell such. Ids are those of REQUIREMENTS §C where it has one. The simulator
 * chooses from {@link REPLICA_ADVERSARIES}; nothing in production may import them.
 */
import { digestText, type Random } from "@redoubt/protocol";
import type { AnswerMessage, AnyMessage, Digest, StoredVersion, Verdict } from "@redoubt/shared";
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
export const wrongReplies: ReplicaAdversaryFactory = (tools) => ({
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

/** Its verdicts on changes, in reports and on shadow runs are what `lie` makes of them. */
const lyingTest =
  (id: string, title: string, lie: (verdict: Verdict | undefined) => Verdict | undefined): ReplicaAdversaryFactory =>
  (tools) => ({
    id,
    title,
    bendMessage: sometimes(tools, 0.8, (message) => {
      if (message.kind === "report")
        return {
          ...message,
          changes: message.changes.map(({ verdict, ...change }) => {
            const told = lie(verdict);
            return told ? { ...change, verdict: told } : change;
          }),
        };
      if (message.kind === "answer") {
        const { verdict, ...answer } = message;
        const told = verdict && lie(verdict);
        return told ? { ...answer, verdict: told } : verdict ? answer : message;
      }
      if (message.kind !== "shadowVerdict") return message;
      const told = lie(message.verdict);
      return told && { ...message, verdict: told };
    }),
  });

/** Verdicts are the wrong way round. */
/** Nothing is wrong with anything. */
export const passEverything = lyingTest("B1", "a replica whose acceptance test passes everything", () => pass);
const falseVerdicts = lyingTest("B1", "a replica whose acceptance test lies", (verdict) =>
  verdict ? opposite(verdict) : pass,
);
export const rejectEverything = lyingTest(
  "B2",
  "a replica that finds fault with everything",
  (verdict) => verdict && fail,
);
export const noVerdicts = lyingTest("B3", "a replica that keeps its verdicts to itself", () => undefined);

const isAboutLog = (verdict: Verdict | undefined): boolean =>
  verdict?.kind === "fail" && verdict.check === "access-log";

/** Keeps silent about what an execution server asked it for: to its own acceptance test and to acceptance test servers. */
export const omitAccessLog: ReplicaAdversaryFactory = () => ({
  id: "B5",
  title: "a replica that leaves the access log out",
  bendMessage(_to, message): readonly AnyMessage[] {
    if (message.kind === "memberAnswer" && message.accesses) {
      const { accesses: _omitted, ...rest } = message;
      return [rest];
    }
    if (message.kind === "answer" && isAboutLog(message.verdict)) return [{ ...message, verdict: pass }];
    if (message.kind !== "report" || !message.changes.some(({ verdict }) => isAboutLog(verdict))) return [message];
    const changes = message.changes.map((change) =>
      isAboutLog(change.verdict) ? { ...change, verdict: pass } : change,
    );
    return [{ ...message, changes }];
  },
});

const REMEMBERED_MAX = 256;

/** What it gives out was right once. */
const staleValues: ReplicaAdversaryFactory = ({ random }) => {
  const past = new Map<string, StoredVersion>();
  return {
    id: "B6",
    title: "a replica that gives out copies from the past",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (message.kind !== "fetched" && message.kind !== "record") return [message];
      const old = (version: StoredVersion): StoredVersion => {
        const before = past.get(version.object);
        if (!before && past.size < REMEMBERED_MAX) past.set(version.object, version);
        return before && random() < 0.6 ? before : version;
      };
      if (message.kind === "record") return [{ ...message, before: message.before.map(old) }];
      const objects = message.objects.map(({ object, version }) => ({ object, version: version && old(version) }));
      return [{ ...message, objects }];
    },
  };
};

/** Answers for changes that do not exist. */
export const wrongChecksums: ReplicaAdversaryFactory = (tools) => ({
  id: "B4",
  title: "a replica that answers with a wrong checksum",
  bendMessage: sometimes(tools, 0.5, (message) =>
    message.kind === "answer" ? { ...message, changeDigest: otherDigest(tools, message.changeDigest) } : message,
  ),
});

/** What its checksums say is what a damaged disk would. */
export const corruptCopies: ReplicaAdversaryFactory = (tools) => ({
  id: "B6",
  title: "a replica with corrupt copies",
  bendMessage: (_to, message) =>
    message.kind !== "checksums" || message.entries.length === 0
      ? [message]
      : [
          {
            ...message,
            entries: message.entries.map((entry, index) =>
              index === 0 ? { ...entry, c2: otherDigest(tools, entry.c2) } : entry,
            ),
          },
        ],
});

/** Feeds execution servers and other members with values and tips that are not so. */
export const wrongValues: ReplicaAdversaryFactory = (tools) => ({
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
  rejectEverything,
  noVerdicts,
  omitAccessLog,
  staleValues,
];

/**
 * An acceptance test server of the basic configuration that tests and often tells nobody; it may be crashed, not false,
 * where a = 0. One of two tells the regulator and only keeps the masters in the dark: its replies leave, and nothing they
 * follow would ever be verified by itself.
 */
export const silentAcceptance: ReplicaAdversaryFactory = (tools) => {
  const tellsRegulator = tools.random() < 0.5;
  const isKept = ({ kind }: AnyMessage) =>
    kind === "report" || (!tellsRegulator && (kind === "acceptance" || kind === "shadowVerdict"));
  return {
    id: "B3",
    title: "an acceptance test server that keeps its verdicts to itself",
    bendMessage: sometimes(tools, 0.9, (message) => (isKept(message) ? undefined : message)),
  };
};
