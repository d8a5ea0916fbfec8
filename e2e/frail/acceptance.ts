/** A counter grows by what was asked for, and the reply says so. */
import type { AcceptanceView } from "@redoubt/application";
import { all, defineAcceptance, must, unchanged } from "@redoubt/application";
import type contract from "./contract.ts";

type Frail = typeof contract;
type View = AcceptanceView<Frail, { counter: number }, { counter: number; count: number }>;
type SlowView = AcceptanceView<Frail, { counter: number; rounds: number }, { counter: number; count: number }>;

const grows = (by: (input: { counter: number; amount?: number }) => number) =>
  all(
    must("grows-as-asked", ({ input, before, after }: View) => {
      const object = `counter/${input.counter}` as const;
      return after.get(object)?.count === (before.get(object)?.count ?? 0) + by(input);
    }),
    must("reply-matches", ({ input, reply, after }: View) => {
      const { counter, count } = reply.body;
      return counter === input.counter && count === after.get(`counter/${counter}`)?.count;
    }),
  );

export default defineAcceptance<Frail>({
  add: { accept: grows(({ amount }) => amount ?? 0) },
  look: {
    accept: all(
      unchanged(),
      must("reply-matches", ({ input, reply, before }: View) => {
        const { counter, count } = reply.body;
        return counter === input.counter && count === before.get(`counter/${counter}`)?.count;
      }),
    ),
  },
  "end-worker": { accept: grows(() => 1) },
  "end-server": { accept: grows(() => 1) },
  "add-unless-empty": { accept: grows(() => 1) },
  "add-unless-empty-soon": { accept: grows(() => 1) },
  flood: { accept: grows(() => 1) },
  "check-slowly": {
    accept: all(
      grows(() => 1),
      must("counts-each-time", ({ input, after }: SlowView) => {
        let isRight = true;
        for (let round = 0; round < input.rounds; round++)
          isRight &&= after.get(`counter/${input.counter}`)?.count !== undefined;
        return isRight;
      }),
    ),
  },
  hang: { accept: grows(() => 1) },
});
