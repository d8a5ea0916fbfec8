/**
 * Objects and chain tips for an execution server with a right ticket. A fetch waits until the epochs its ticket names
 * are installed; it never sees another state than the one changes of those epochs are judged against.
 */
import { type Digest, type FetchedMessage, type FetchMessage, LIMITS, type ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { hasRightInput } from "../well-formed.ts";
import { tipOf } from "./clusters.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { examineTicket, type Refusal, refuse } from "./examination.ts";
import type { Needs } from "./object-store.ts";
import { withRecords } from "./record-reads.ts";
import { sendRefusal } from "./refusals.ts";
import { findVersion } from "./versions.ts";

const WAIT_MS = 1_000;
const WAITING_PER_SENDER_MAX = 1_024;
/** Characters of fetches that wait: nothing about them is known to be genuine, and each may be as large as a frame. */
const WAITING_CHARACTERS_PER_SENDER_MAX = 16 * 1024 * 1024;
/** Characters of values in one answer; the rest is asked for again. */
const ANSWER_CHARACTERS_MAX = LIMITS.frameBytesMax / 4;

interface WaitingFetch {
  readonly from: ServerName;
  readonly message: FetchMessage;
  readonly until: number;
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + 16 + text.length, 0);

function charactersOf({ ticket, input, objects, at }: FetchMessage): number {
  const clusters = ticket.body.clusters.reduce((sum, { members }) => sum + 64 + lengthOf(members), 0);
  return (
    4_096 + input.length + clusters + lengthOf(objects) + lengthOf(at.map(({ object }) => object)) + 128 * at.length
  );
}

export class WaitingFetches {
  #waiting: WaitingFetch[] = [];
  readonly #perSender = new Map<ServerName, { count: number; characters: number }>();

  /** Whatever does not fit is asked for again by an honest server. */
  add(fetch: WaitingFetch): void {
    const { count, characters } = this.#perSender.get(fetch.from) ?? { count: 0, characters: 0 };
    if (count >= WAITING_PER_SENDER_MAX || characters >= WAITING_CHARACTERS_PER_SENDER_MAX) return;
    this.#perSender.set(fetch.from, { count: count + 1, characters: characters + charactersOf(fetch.message) });
    this.#waiting.push(fetch);
  }

  takeAll(): WaitingFetch[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#perSender.clear();
    return waiting;
  }
}

/** After an epoch was installed or a key arrived. */
export function retryFetches(replica: Replica, turn: Turn): void {
  for (const { from, message, until } of replica.fetches.takeAll())
    if (until > turn.now) answerWithRecords(replica, turn, from, message, until);
}

export const receiveFetch = (replica: Replica, turn: Turn, from: ServerName, message: FetchMessage): void =>
  answerWithRecords(replica, turn, from, message, turn.now + WAIT_MS);

/** Judged again from the beginning when the objects have been read: an epoch may have ended meanwhile. */
function answerWithRecords(replica: Replica, turn: Turn, from: ServerName, message: FetchMessage, until: number): void {
  const answer = (later: Turn, needs: Needs) => answerFetch(replica, later, from, message, until, needs);
  withRecords(replica, turn, answer, { sender: from });
}

function answerFetch(
  replica: Replica,
  turn: Turn,
  from: ServerName,
  message: FetchMessage,
  until: number,
  needs: Needs,
): void {
  const { ticket, objects, at } = message;
  if (objects.length > LIMITS.objectsPerRequestMax || at.length > LIMITS.objectsPerRequestMax) return;
  const examined = examineTicket(replica.examiner, from, ticket);
  if (examined.kind === "refuse") {
    sendRefusal(replica, turn, from, ticket.body, examined);
    return;
  }
  if (examined.kind === "keyMissing" || !replica.applications.of(ticket.body.applicationVersion)) {
    replica.budgets.giveBack(from, turn);
    replica.fetches.add({ from, message, until });
    return;
  }
  replica.budgets.grant(from, ticket.body, turn);
  const denied = logAccesses(replica, message, examined.ticketDigest);
  if (denied) {
    sendRefusal(replica, turn, from, ticket.body, denied, () => ({ ticketDigest: examined.ticketDigest }));
    return;
  }
  for (const { cluster, epoch } of ticket.body.clusters) {
    const { installed, opened } = replica.store.clusters.get(cluster);
    if (!replica.store.clusters.isMine(cluster)) continue;
    if (epoch < installed.epoch || epoch < opened.epoch) {
      sendRefusal(replica, turn, from, ticket.body, refuse("stale-epoch", `cluster ${cluster} has a newer epoch`));
      return;
    }
    if (epoch > installed.epoch) {
      replica.fetches.add({ from, message, until });
      return;
    }
  }
  const fetched = composeFetched(replica, message, needs);
  if (needs.size === 0) put(turn, send("execution-server", from, fetched));
}

/**
 * Every object asked for is logged. One that the operation may not touch with the ticket's input denies the whole fetch: no
 * right server asks for it (REQUIREMENTS R43, A10).
 */
function logAccesses(replica: Replica, message: FetchMessage, ticketDigest: Digest): Refusal | undefined {
  const { hasher, applications, accesses } = replica;
  const { ticket, input, objects, at } = message;
  if (!hasRightInput(hasher, message)) return refuse("malformed", "the input is not the ticket's", "malformed");
  const access = applications.of(ticket.body.applicationVersion)?.evaluateAccess(ticket.body.operation, input);
  const allowed = new Set(access?.ok ? access.value.map(({ object }) => object) : []);
  const asked = [...objects, ...at.map(({ object }) => object)].map(
    (object) =>
      ({ object: object.slice(0, LIMITS.objectNameBytesMax), mode: "fetch", granted: allowed.has(object) }) as const,
  );
  accesses.add(hasher, ticket.body, ticketDigest, asked);
  const denied = asked.find(({ granted }) => !granted);
  return denied && refuse("scope", `fetch of ${denied.object}`, "read-outside-scope");
}

function composeFetched(replica: Replica, { fetch, ticket, objects, at }: FetchMessage, needs: Needs): FetchedMessage {
  const { store, applications } = replica;
  const inTicket = new Set(ticket.body.clusters.map((entry) => entry.cluster));
  const isServed = (object: string): boolean => {
    const cluster = applications.clusterOf(object);
    return cluster !== undefined && inTicket.has(cluster) && store.clusters.isMine(cluster);
  };
  const answer: FetchedMessage["objects"][number][] = [];
  let characters = 0;
  const add = (object: string, version: FetchedMessage["objects"][number]["version"]): void => {
    characters += 512 + (version?.bytes.length ?? 0);
    if (answer.length === 0 || characters <= ANSWER_CHARACTERS_MAX) answer.push({ object, version });
  };
  for (const object of objects) if (isServed(object)) add(object, store.objects.newest(object, needs)?.version ?? null);
  for (const reference of at) {
    if (isServed(reference.object)) add(reference.object, findVersion(store, reference, needs)?.version ?? null);
  }
  const tips = ticket.body.clusters
    .filter(({ cluster }) => store.clusters.isMine(cluster))
    .map(({ cluster, epoch }) => ({ cluster, epoch, follows: tipOf(store.clusters.get(cluster)) }));
  return { kind: "fetched", fetch, objects: answer, tips };
}
