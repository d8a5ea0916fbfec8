import { describe, expect, it } from "vitest";
import { z } from "zod";
import acceptance from "../../../../../examples/bank/acceptance.ts";
import contract from "../../../../../examples/bank/contract.ts";
import execution from "../../../../../examples/bank/execution.ts";
import { all, must, onlyChanges } from "../../acceptance/combinators.ts";
import { defineContract } from "../../contract/define-contract.ts";
import { attack } from "./attack.ts";
import type { AttackReport, Survivor } from "./types.ts";
import { weakened } from "./weak-bank.test-support.ts";

const weakAcceptance = weakened(acceptance);
const LIMIT_MS = 120_000;

const survivorsOf = ({ survivors }: AttackReport, operation: string, harm: Survivor["harm"]): Survivor[] =>
  survivors.filter((survivor) => survivor.operation === operation && survivor.harm === harm);
const proposals = (survivors: readonly Survivor[]): string[] =>
  survivors.flatMap(({ caughtBy }) => caughtBy.map(({ where, text }) => `${where}: ${text}`));

describe("a deliberately weak copy of the bank's acceptance tests", async () => {
  const report = await attack({ contract, execution, acceptance: weakAcceptance }, { cases: 24 });

  it("does not reach 100 %, and every kind of wrong state it accepts is named with what would catch it", () => {
    const wrong = report.survivors.filter(({ harm }) => harm === "state");
    expect(report.stateChanging.caught).toBeLessThan(report.stateChanging.tried);
    expect(wrong.length).toBeGreaterThan(20);
    expect(
      wrong.filter(({ caughtBy }) => caughtBy.length === 0).map(({ operation, what }) => `${operation}: ${what}`),
    ).toEqual([]);
  });

  it("a test that looks at the reply only lacks the sum", () => {
    const wrong = survivorsOf(report, "deposit", "state");
    expect(wrong.map(({ what }) => what)).toContain("account.checking + 1");
    expect(proposals(wrong)).toContain(
      'accept: conserves("account", ({ checking, savings }) => [checking, savings], ({ input }) => input.amount)',
    );
  });

  it("one without a sum lacks conserves", () => {
    const wrong = survivorsOf(report, "transfer", "state");
    expect(wrong.map(({ what }) => what)).toContain("account.checking doubled");
    expect(proposals(wrong)).toContain('accept: conserves("account", ({ checking, savings }) => [checking, savings])');
    expect(proposals(survivorsOf(report, "transfer", "reply")).join()).toContain("reply.body.checking === after.get(");
  });

  it("one that a consistent lie satisfies lacks the comparison that the lie breaks", () => {
    const wrong = survivorsOf(report, "write-check", "state");
    expect(wrong.map(({ what }) => what)).toContain("all of account.checking moved to savings, reply adapted");
    expect(proposals(wrong).join()).toMatch(
      /after\.get\(`account\/\S+\)\?\.savings <= before\.get\(`account\/\S+\)\?\.savings/,
    );
  });

  it("one that believes every refusal lacks the predicate", () => {
    const wrong = survivorsOf(report, "amalgamate", "state");
    expect(wrong.map(({ what }) => what)).toContain("refused as same-account");
    expect(proposals(wrong)).toContain("refusals.same-account: ({ input, before }) => input.from === input.to");
  });

  it("says nothing against the operations whose tests are as they should be", () => {
    for (const operation of ["balance", "import-statement"])
      expect(report.survivors.filter((entry) => entry.operation === operation)).toEqual([]);
    expect(
      report.operations.filter(({ rejected, crashed, unstable }) => rejected > 0 || crashed > 0 || unstable),
    ).toEqual([]);
  });

  it("is the same again with the same seed", { timeout: LIMIT_MS }, async () => {
    const again = await attack({ contract, execution, acceptance: weakAcceptance }, { cases: 24 });
    expect({ ...again, seconds: 0 }).toEqual({ ...report, seconds: 0 });
  });
});

describe("beyond sums", () => {
  const note = z.strictObject({ owner: z.string().min(8).max(60), text: z.string().max(200) });
  const notes = defineContract({
    name: "notes",
    title: "Notes",
    version: 1,
    objects: { note: { key: "{id}", schema: note } },
    operations: {
      show: {
        title: "Show {id}",
        input: z.strictObject({ id: z.int().min(1) }),
        output: z.strictObject({ texts: z.array(z.string()) }),
        access: [{ object: "note/{id}", mode: "read" }],
        readOnly: true,
      },
      edit: {
        title: "Edit {id}",
        input: z.strictObject({ id: z.int().min(1), text: z.string().max(20) }),
        output: z.strictObject({ id: z.int(), token: z.string() }),
        access: [{ object: "note/{id}", mode: "write" }],
        refusals: { absent: { status: 404, title: "Absent", detail: "There is no such note." } },
      },
    },
    genesis: () =>
      ["Rosalind Ashworth", "Benedikt Haverkamp", "Wilhelmina Thornbury"].map((owner, index) => ({
        object: `note/${index + 1}`,
        value: { owner, text: `first text of ${owner}` },
      })),
  });
  const handlers = {
    async show(transaction: { get(object: string): Promise<{ text: string } | null> }, { id }: { id: number }) {
      return { texts: [(await transaction.get(`note/${id}`))?.text ?? ""] };
    },
    async edit(
      transaction: { get(object: string): Promise<object | null>; set(object: string, value: unknown): void },
      { id, text }: { id: number; text: string },
      context: { refuse(name: string): never },
    ) {
      const found = (await transaction.get(`note/${id}`)) ?? context.refuse("absent");
      transaction.set(`note/${id}`, { ...found, text });
      return { id, token: Math.random().toString(36) };
    },
  };
  const nothingChecked = {
    show: { accept: () => undefined },
    edit: { accept: () => undefined, refusals: { absent: () => true } },
  };

  it("unlabelled texts of others that are leaked ask for a label, omitted objects for completeness", async () => {
    const report = await attack({ contract: notes, execution: handlers, acceptance: nothingChecked }, { cases: 16 });
    const leaks = report.survivors.filter(({ behaviour }) => behaviour === "leak");
    expect(proposals(leaks)).toContain(
      'contract: objects.note.confidential: [{ field: "owner", visibleTo: "naming-operations" }]',
    );
    const omitted = report.survivors.filter(({ what }) => what === "nothing written");
    expect(proposals(omitted)).toContain('contract: access { object: "note/{id}", mode: "write", complete: true }');
    const refused = report.survivors.filter(({ what }) => what === "refused as absent");
    expect(proposals(refused).join()).toMatch(/refusals\.absent: .* before\.get\(`note\/\S+\) === null/);
  });

  it("an operation that answers differently each time is said to be unstable, one that rejects honest work to be wrong", async () => {
    const accept = all(
      onlyChanges({ "note/{id}": ["text"] }),
      must("never", () => false),
    );
    const strict = { ...nothingChecked, edit: { ...nothingChecked.edit, accept } };
    const { operations } = await attack({ contract: notes, execution: handlers, acceptance: strict }, { cases: 16 });
    const edit = operations.find(({ operation }) => operation === "edit");
    expect(edit).toMatchObject({ unstable: true, rejection: { check: "never" } });
    expect(edit?.rejected).toBeGreaterThan(0);
  });
});
