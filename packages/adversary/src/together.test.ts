import type { AnyMessage, ServerName } from "@redoubt/shared";
import { expect, test } from "vitest";
import type { Adversary } from "./adversary.ts";
import { together } from "./together.ts";

const fence = (requestId: string): AnyMessage => ({ kind: "fence", requestId, home: 1 }) as AnyMessage;
const member: ServerName = "state-replica-1";

const twice: Adversary = { id: "twice", title: "", bendMessage: (_to, message) => [message, message] };
const renaming: Adversary = {
  id: "renaming",
  title: "",
  bendMessage: (_to, message) =>
    message.kind === "fence" && message.requestId !== "b" ? [{ ...message, requestId: "b" as never }] : [message],
};
const copying: Adversary = { id: "copying", title: "", bendMessage: (_to, message) => [{ ...message }] };
const swallowing: Adversary = { id: "swallowing", title: "", bendArrival: () => [] };

test("each behaviour gets what the one before made of a message", () => {
  const did: string[] = [];
  const adversary = together([twice, renaming], (id) => did.push(id));
  expect(adversary.bendMessage?.(member, fence("a"))).toEqual([fence("b"), fence("b")]);
  expect(did).toEqual(["twice", "renaming", "renaming"]);
});

test("a behaviour that changes nothing, or only copies, is credited with nothing", () => {
  const did: string[] = [];
  const adversary = together([renaming, copying], (id) => did.push(id));
  expect(adversary.bendMessage?.(member, fence("b"))).toEqual([fence("b")]);
  expect(did).toEqual([]);
});

test("what arrives is bent too, and a result of a worker", () => {
  const did: string[] = [];
  const status: Adversary = {
    id: "status",
    title: "",
    bendExecution: (_context, outcome) => ({ ...outcome, reply: { ...outcome.reply, status: 422 } }),
  };
  const adversary = together([swallowing, status], (id) => did.push(id));
  expect(adversary.bendArrival?.(member, fence("a"))).toEqual([]);
  const outcome = { reply: { status: 200, body: "{}" }, reads: [], writes: [] };
  const context = { operation: "transfer", input: "{}", loot: new Map<string, string>() };
  expect(adversary.bendExecution?.(context, outcome).reply.status).toBe(422);
  expect(adversary.bendExecution?.(context, { ...outcome, reply: { status: 422, body: "{}" } }).reply.status).toBe(422);
  expect(did).toEqual(["swallowing", "status"]);
});
