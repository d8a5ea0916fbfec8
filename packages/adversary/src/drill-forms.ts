/**
 * Behaviours in the form a drill wants: they show with the first request, where the simulator's wait for their chance. And
 * those that need real time, which pure worlds of messages have no use for.
 */
import { digestText } from "@redoubt/protocol";
import { type AnyMessage, type ChangeRecord, type RequestId, type ServerName, ZERO_DIGEST } from "@redoubt/shared";
import type { ExecutionOutcome, SeededAdversaryFactory } from "./adversary.ts";
import { changeFirstNumber, extendFirstText, textsIn } from "./json-tampering.ts";
import { altered, Decisions, isApplicationChange, membersOf } from "./multicast-adversaries.ts";

/** Every change goes to one member alone. */
export const partialAlways: SeededAdversaryFactory = () => {
  let confidant: ServerName | undefined;
  return {
    id: "A5",
    title: "change set to at most t replicas",
    bendMessage(to, message) {
      if (!isApplicationChange(message)) return [message];
      confidant ??= to;
      return to === confidant ? [message] : [];
    },
  };
};

/** Takes requests, lives, and never says a word about them. */
export const hang: SeededAdversaryFactory = () => ({
  id: "A18",
  title: "requests that are taken and never answered",
  bendMessage: (_to, message) => (isApplicationChange(message) ? [] : [message]),
});

/** Refusals as the contract words them, for no reason. */
export const refuseWithReasons: SeededAdversaryFactory = () => ({
  id: "A37",
  title: "a refusal as the answer to everything",
  bendExecution({ operation, refusals }, outcome): ExecutionOutcome {
    const refusal = refusals?.[0];
    if (operation === "genesis" || refusal === undefined) return outcome;
    return { ...outcome, reply: refusal, writes: [] };
  },
});

const ONCE_IN = 100;

/** A wrong result with a probability of one in a hundred. */
export const wrongOnceInAHundred: SeededAdversaryFactory = ({ random }) => ({
  id: "A32",
  title: "misbehaviour once in a hundred requests",
  bendExecution({ operation }, outcome): ExecutionOutcome {
    if (operation === "genesis" || random() * ONCE_IN >= 1) return outcome;
    const body = changeFirstNumber(outcome.reply.body, 1);
    return body === undefined ? outcome : { ...outcome, reply: { ...outcome.reply, body } };
  },
});

/** After the time it was given to be told that its epochs are over, and to be sure of it. */
const LATE_AFTER_MS = 1_600;
/** The leases may have moved later than one hoped: it goes on writing. */
const LATE_AGAIN_MS = 1_000;
const LATE_TIMES = 7;

/**
 * Holds changes back, `keepMax` for every member, and sends them when others have held its object clusters for a while: as
 * a holder does that was paused, or one that does not let go.
 */
export const writeLate =
  (id: string, title: string, keepMax: number): SeededAdversaryFactory =>
  (tools) => {
    const kept: { readonly to: ServerName; readonly message: AnyMessage }[] = [];
    let isSent = false;
    const write = (times: number): void => {
      isSent = true;
      if (kept.length > 0) tools.did?.(id);
      for (const { to, message } of kept) tools.send(to, "state-replica", message);
      if (times > 1) tools.later?.(LATE_AGAIN_MS, () => write(times - 1));
    };
    tools.later?.(LATE_AFTER_MS, () => write(LATE_TIMES));
    return {
      id,
      title,
      bendMessage(to, message) {
        if (isSent || !isApplicationChange(message)) return [message];
        if (kept.filter((each) => each.to === to).length >= keepMax) return [message];
        if (kept.length === 0) tools.did?.(id);
        kept.push({ to, message });
        return [];
      },
    };
  };

/** Reports about requests it was never given, and changes for them. */
export const fabricateAtOnce: SeededAdversaryFactory = (tools) => {
  const done = new Decisions<boolean>();
  return {
    id: "A23",
    title: "results of requests never dispatched to it",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        const requestId = digestText(tools.hasher, "fabricated", `${tools.random()}`) as string as RequestId;
        const { ticket } = record;
        tools.did?.("A23");
        tools.send("traffic-regulator-1", "traffic-regulator", {
          ...{ kind: "executionFailed", requestId, attempt: 1, reason: "crash", detail: "invented", alsoInside: [] },
        });
        const forged = { ...record, ticket: { ...ticket, body: { ...ticket.body, requestId } } };
        for (const member of membersOf(record)) tools.send(member, "state-replica", { kind: "change", record: forged });
        return true;
      });
      return [message];
    },
  };
};

const REMEMBERED_MAX = 64;

/** Each change again when the next ones have been sent, as it was and with another content under its old ticket. */
export const replayAtOnce: SeededAdversaryFactory = (tools) => {
  const old: ChangeRecord[] = [];
  const done = new Decisions<boolean>();
  return {
    id: "A24",
    title: "old changes and old tickets used again",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        const again = old.length > 4 ? old.shift() : undefined;
        if (old.length < REMEMBERED_MAX) old.push(record);
        if (!again) return true;
        tools.did?.("A24");
        for (const member of membersOf(again))
          for (const replayed of [again, altered(again)])
            tools.send(member, "state-replica", { kind: "change", record: replayed });
        return true;
      });
      return [message];
    },
  };
};

/** Tickets of other servers that an accomplice overheard: used as they are. */
export const useHeardTickets: SeededAdversaryFactory = (tools) => {
  const done = new Decisions<boolean>();
  return {
    id: "A26",
    title: "another execution server's ticket",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        const [foreign] = tools.conspiracy.tickets(() => true);
        if (!foreign) return true;
        tools.did?.("A26");
        const links = foreign.body.clusters.map(({ cluster, epoch }) => ({
          ...{ cluster, epoch, predecessorSerial: 0, follows: ZERO_DIGEST },
        }));
        for (const member of membersOf(record))
          tools.send(member, "state-replica", {
            ...{ kind: "change", record: { ...record, ticket: foreign, links, reads: [], writes: [] } },
          });
        return true;
      });
      return [message];
    },
  };
};

const DEPTH = 60_000;
const nested = `${"[".repeat(DEPTH)}${"]".repeat(DEPTH)}`;

/** A result so deeply nested that whoever walks it by recursion dies. */
export const deepResult: SeededAdversaryFactory = () => ({
  id: "A36",
  title: "a result on which the acceptance test dies",
  bendMessage: (_to, message) =>
    isApplicationChange(message)
      ? [{ ...message, record: { ...message.record, reply: `{"body":${nested},"status":200}` } }]
      : [message],
});

const SECRET_LENGTH_MIN = 6;
const hexadecimal = (text: string): string =>
  [...text].map((character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** As RFC 4648 has it, for texts of single bytes; here because pure code has no encoder of its own. */
function base64(text: string): string {
  const bits = [...text].map((character) => character.charCodeAt(0).toString(2).padStart(8, "0")).join("");
  const sixes = bits.match(/.{1,6}/g) ?? [];
  const digits = sixes.map((six) => LETTERS[Number.parseInt(six.padEnd(6, "0"), 2)] ?? "").join("");
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
}

const rotated = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => {
    const first = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(first + ((letter.charCodeAt(0) - first + 13) % 26));
  });

/** How a secret can be dressed up; `split` lets each reply carry a third of it. */
const ENCODINGS: Readonly<Record<string, (secret: string, turn: number) => string>> = {
  plain: (secret) => secret,
  base64: (secret) => base64(secret),
  hexadecimal: (secret) => hexadecimal(secret),
  percent: (secret) => [...secret].map((character) => `%${hexadecimal(character)}`).join(""),
  reversed: (secret) => [...secret].reverse().join(""),
  capitals: (secret) => secret.toUpperCase(),
  spaced: (secret) => [...secret].join(" "),
  rotated: (secret) => rotated(secret),
  split: (secret, turn) => {
    const third = Math.ceil(secret.length / 3);
    return secret.slice((turn % 3) * third, ((turn % 3) + 1) * third);
  },
};

/** Names of the encodings, for a drill that tries all of them. */
export const LEAK_ENCODINGS: readonly string[] = Object.keys(ENCODINGS).filter((name) => name !== "plain");

/** Puts another client's secret into every text reply, encoded. */
export const leakEncodedAs = (encoding: string): SeededAdversaryFactory | undefined => {
  const encode = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  if (!encode) return undefined;
  return () => {
    let turn = 0;
    return {
      id: "A13",
      title: "another client's secret in the reply, encoded",
      bendExecution({ operation, loot }, outcome): ExecutionOutcome {
        if (operation === "genesis" || outcome.reply.status !== 200) return outcome;
        const own = new Set(outcome.reads);
        const secret = [...loot].flatMap(([object, bytes]) =>
          own.has(object) ? [] : textsIn(bytes, SECRET_LENGTH_MIN),
        )[0];
        if (secret === undefined) return outcome;
        const body = extendFirstText(outcome.reply.body, ` ${encode(secret, turn++)}`);
        return body === undefined ? outcome : { ...outcome, reply: { ...outcome.reply, body } };
      },
    };
  };
};
