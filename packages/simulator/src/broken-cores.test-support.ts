/**
 * Cores that are broken on purpose, each in one rule of the protocol. A simulator that lets one of them pass for long is
 * itself broken.
 */
import type { AnswerMessage, Component } from "@redoubt/shared";
import type { WrapCore } from "./cluster.ts";
import type { HostCore, HostEffect, HostInput } from "./host.ts";

type Step = (core: HostCore, input: HostInput) => HostEffect[];

const wrap =
  (broken: Component, makeStep: () => Step): WrapCore =>
  (core, _server, component) => {
    if (component !== broken) return core;
    const step = makeStep();
    // Everything else is answered by the core itself, so that nothing but the broken rule can be what is noticed.
    return new Proxy(core, {
      get(target, name) {
        if (name === "step") return (input: HostInput) => step(target, input);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

/** Starts with an empty disk after every crash: promises, changes and fences are forgotten. */
const forgetting = (component: Component): WrapCore =>
  wrap(component, () => {
    let forgotten = 0;
    return (core, input) => {
      const { first, records, number } = input as { first?: number; records?: unknown[]; number?: number };
      if (input.kind === "restore") return [];
      if (input.kind === "replay") {
        forgotten = (first ?? 0) + (records?.length ?? 0);
        return [];
      }
      // The core numbers its records from 0 again; on the disk they come after those it knows nothing of.
      const told = number === undefined ? input : { ...input, number: number - forgotten };
      const effects = core.step(input.kind === "start" ? ({ ...input, durable: [] } as HostInput) : told);
      return effects.map((effect) =>
        "number" in effect
          ? (Object.assign(effect, { number: Number(effect.number) + forgotten }) as HostEffect)
          : effect,
      );
    };
  });

export const forgetfulReplica = forgetting("state-replica");
export const forgetfulMaster = forgetting("state-master");

/** Lets its words out before they are durable (STYLE rule 4). */
const hasty = (component: Component): WrapCore =>
  wrap(
    component,
    () => (core, input) =>
      core
        .step(input)
        .map((effect) => (effect.kind === "append" ? ({ ...effect, durability: "written" } as HostEffect) : effect)),
  );

export const hastyReplica = hasty("state-replica");
export const hastyMaster = hasty("state-master");

const answerIn = (input: HostInput): AnswerMessage | undefined => {
  const { message } = input as unknown as { message?: AnswerMessage };
  return input.kind === "message" && message?.kind === "answer" ? message : undefined;
};

/** Takes every change for durable everywhere once `enough` members said so (release rule (b)). */
export const hastyRegulator = (enough: number): WrapCore =>
  wrap("traffic-regulator", () => {
    const heard = new Map<string, Set<string>>();
    return (core, input) => {
      const effects = core.step(input);
      const answer = answerIn(input);
      if (!answer?.durable || answer.known) return effects;
      const { from } = input as unknown as { from: { component: Component; server: string } };
      const name = `${answer.requestId} ${answer.attempt} ${answer.changeDigest}`;
      const members = (heard.get(name) ?? new Set()).add(from.server);
      heard.set(name, members);
      if (members.size !== enough) return effects;
      const { verdict: _verdict, ...told } = answer;
      for (let number = 1; number <= 5; number++) {
        const server = `state-replica-${number}`;
        if (members.has(server)) continue;
        const more = { ...input, from: { component: "state-replica", server }, message: told };
        effects.push(...core.step(more as unknown as HostInput));
      }
      return effects;
    };
  });

/** Does not wait for what a change follows (release rule (c)). */
export const impatientRegulator: WrapCore = wrap("traffic-regulator", () => (core, input) => {
  const answer = answerIn(input);
  return core.step(answer ? ({ ...input, message: { ...answer, follows: [] } } as unknown as HostInput) : input);
});

/** Takes every verdict for a pass (release rule (a)). */
export const credulousRegulator: WrapCore = wrap("traffic-regulator", () => (core, input) => {
  const answer = answerIn(input);
  if (!answer?.verdict) return core.step(input);
  return core.step({ ...input, message: { ...answer, verdict: { kind: "pass" } } } as unknown as HostInput);
});
