/**
 * Counters, and requests that end what runs them. The application of the containment tests: its handlers do on a word what a
 * crafted request would have to find a hole for. Never a model for anybody's application.
 */
import { defineContract } from "@redoubt/application";
import { z } from "zod";

const counter = z.int().min(1).max(400);
const count = z.int().min(0);

const access = [{ object: "counter/{counter}", mode: "write", complete: true }] as const;

export default defineContract({
  name: "frail",
  title: "Frail counters",
  version: 1,
  objects: {
    counter: { title: "Counter", key: "{counter}", schema: z.strictObject({ count }) },
  },
  operations: {
    add: {
      title: "Add {amount} to counter {counter}",
      input: z.strictObject({ counter, amount: z.int().min(1).max(1_000) }),
      output: z.strictObject({ counter, count }),
      access,
    },
    look: {
      title: "Look at counter {counter}",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access: [{ object: "counter/{counter}", mode: "read", complete: true }],
      readOnly: true,
    },
    "end-worker": {
      title: "End the worker process that runs counter {counter}",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
    },
    "end-server": {
      title: "End the execution server that runs counter {counter}",
      description: "Harmless to an honest execution server; one with a hole in its shell ends.",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
    },
    flood: {
      title: "Flood the state farm over counter {counter}",
      description: "Harmless to an honest execution server; one with a hole in its shell floods.",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
    },
    "check-slowly": {
      title: "Add one to counter {counter} and check it {rounds} times",
      description: "The acceptance test takes as long as the input says; beyond its limit of time it is ended.",
      input: z.strictObject({ counter, rounds: z.int().min(1) }),
      output: z.strictObject({ counter, count }),
      access,
    },
    "add-unless-empty": {
      title: "Add one to counter {counter}, which ends the worker when the counter is empty",
      description: "Quarantined, it waits for a person; harmless by then if somebody has added to the counter.",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
      onQuarantine: "hold",
      holdMs: 600_000,
    },
    "add-unless-empty-soon": {
      title: "Add one to counter {counter}, which ends the worker when the counter is empty; held for seconds only",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
      onQuarantine: "hold",
      holdMs: 4_000,
    },
    hang: {
      title: "Never answer about counter {counter}",
      input: z.strictObject({ counter }),
      output: z.strictObject({ counter, count }),
      access,
      deadlineMs: 1_000,
    },
  },
  genesis: () => Array.from({ length: 400 }, (_, index) => ({ object: `counter/${index + 1}`, value: { count: 0 } })),
});
