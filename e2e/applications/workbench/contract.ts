/**
 * An application for tests and measurements of execution servers: operations whose code tries what it may not, is not
 * deterministic, computes in threads, or does a given amount of work. Each writes what came of it into a record.
 */
import { defineContract } from "@redoubt/application";
import { z } from "zod";

const name = z.string().regex(/^[a-z0-9-]{1,40}$/);
const outcome = z.string().max(200);
const port = z.int().min(1).max(65_535);

const attempt = (what: string) =>
  ({
    title: `Try to ${what}, noted in {name}`,
    input: z.strictObject({ name }),
    output: z.strictObject({ name, outcome }),
    access: [{ object: "record/{name}", mode: "write" }],
  }) as const;
const attemptAtPort = (what: string) => ({ ...attempt(what), input: z.strictObject({ name, port }) });

const RECORDS = 1_000;

export default defineContract({
  name: "workbench",
  title: "Workbench",
  version: 1,
  objects: {
    record: {
      title: "Record",
      key: "{name}",
      correlation: "name",
      schema: z.strictObject({ outcome, numbers: z.array(z.number()).max(64), count: z.int().min(0) }),
    },
  },
  operations: {
    "try-file": attempt("read a file"),
    "try-socket": attemptAtPort("open a socket"),
    "try-spawn": attempt("start a program"),
    "try-environment": attempt("read the environment"),
    "try-postgres": attemptAtPort("reach a database"),
    random: {
      title: "Something that differs on every attempt, noted in {name}",
      input: z.strictObject({ name }),
      output: z.strictObject({ name, numbers: z.array(z.number()).max(64) }),
      access: [{ object: "record/{name}", mode: "write" }],
    },
    threads: {
      title: "Squares of 1 to {count}, each from a thread, noted in {name}",
      input: z.strictObject({ name, count: z.int().min(1).max(8) }),
      output: z.strictObject({ name, numbers: z.array(z.number()).max(64) }),
      access: [{ object: "record/{name}", mode: "write" }],
      deadlineMs: 10_000,
    },
    work: {
      title: "{units} units of computation, counted in {name}",
      input: z.strictObject({ name, units: z.int().min(0).max(100_000_000) }),
      output: z.strictObject({ name, count: z.int() }),
      access: [{ object: "record/{name}", mode: "write" }],
      deadlineMs: 20_000,
    },
  },
  genesis: () =>
    Array.from({ length: RECORDS }, (_, index) => ({
      object: `record/record-${index + 1}`,
      value: { outcome: "", numbers: [], count: 0 },
    })),
});
