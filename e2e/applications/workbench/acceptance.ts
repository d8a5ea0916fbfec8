/** Each record holds what the reply says; what cannot be computed again is judged by its range. */
import { type AcceptanceView, all, defineAcceptance, must, onlyChanges } from "@redoubt/application";
import type contract from "./contract.ts";

type Bench = typeof contract;
type View<Output> = AcceptanceView<Bench, { readonly name: string }, Output>;

const FIELDS = { "record/{name}": ["outcome", "numbers", "count"] };
const showsOutcome = ({ reply, after, input }: View<{ readonly outcome: string }>): boolean =>
  reply.body.outcome === after.get(`record/${input.name}`)?.outcome;
const showsNumbers = ({ reply, after, input }: View<{ readonly numbers: readonly number[] }>): boolean =>
  JSON.stringify(reply.body.numbers) === JSON.stringify(after.get(`record/${input.name}`)?.numbers);

export default defineAcceptance<Bench>({
  "try-file": { accept: all(onlyChanges(FIELDS), must("reply-matches", showsOutcome)) },
  "try-socket": { accept: all(onlyChanges(FIELDS), must("reply-matches", showsOutcome)) },
  "try-spawn": { accept: all(onlyChanges(FIELDS), must("reply-matches", showsOutcome)) },
  "try-environment": { accept: all(onlyChanges(FIELDS), must("reply-matches", showsOutcome)) },
  "try-postgres": { accept: all(onlyChanges(FIELDS), must("reply-matches", showsOutcome)) },
  random: {
    accept: all(
      onlyChanges(FIELDS),
      must("reply-matches", showsNumbers),
      must("in-range", ({ reply, now }) => {
        const [random = -1, at = 0] = reply.body.numbers;
        return random >= 0 && random < 1 && Math.abs(at - now) < 60_000;
      }),
    ),
  },
  threads: {
    accept: all(
      onlyChanges(FIELDS),
      must("reply-matches", showsNumbers),
      must("squares", ({ reply, input }) => {
        const expected = Array.from({ length: input.count }, (_, index) => (index + 1) ** 2);
        return JSON.stringify(reply.body.numbers) === JSON.stringify(expected);
      }),
    ),
  },
  work: {
    accept: all(
      onlyChanges(FIELDS),
      must("counted-once", ({ reply, before, after, input }) => {
        const count = after.get(`record/${input.name}`)?.count;
        return count === reply.body.count && count === (before.get(`record/${input.name}`)?.count ?? 0) + 1;
      }),
    ),
  },
});
