/** Versions of the bank for tests: copies of the example with a line or two of another kind. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "./place.mjs";

/** @typedef {{ file: "contract.ts" | "execution.ts" | "acceptance.ts", from: string, to: string }} Edit */

export class ApplicationFolders {
  #root = mkdtempSync(join(tmpdir(), "redoubt-versions-"));

  /**
   * The bank with another version number and these edits. Throws when a text to be replaced is not there.
   * @param {number} version
   * @param {Edit[]} edits
   */
  make(version, edits) {
    const folder = join(this.#root, `version-${version}`);
    cpSync(join(projectRoot, "examples", "bank"), folder, {
      recursive: true,
      filter: (source) => !/node_modules|dist|attacks|\.test\.ts$/.test(source.slice(projectRoot.length)),
    });
    for (const { file, from, to } of [
      { file: "contract.ts", from: "version: 1,", to: `version: ${version},` },
      ...edits,
    ]) {
      const path = join(folder, file);
      const text = readFileSync(path, "utf8");
      if (!text.includes(from)) throw new Error(`${file} of the bank does not say: ${from}`);
      writeFileSync(path, text.replaceAll(from, to));
    }
    return folder;
  }

  remove() {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Its acceptance test of a transfer is wrong: it expects a cent more to be taken than was asked for. @type {Edit[]} */
export const WRONG_TEST = [
  {
    file: "acceptance.ts",
    from: "return from !== to && taken === amount;",
    to: "return from !== to && taken === amount + 1;",
  },
];

/** Statements that are quarantined wait for a person instead of being rejected. @type {Edit[]} */
export const HELD_STATEMENTS = [
  {
    file: "contract.ts",
    from: 'title: "Import a statement of customer {customer}",',
    to: 'title: "Import a statement of customer {customer}",\n      onQuarantine: "hold",',
  },
];

/** Accounts count what was booked on them: a field more, filled in when an older object is read. @type {Edit[]} */
export const WITH_UPGRADE = [
  {
    file: "contract.ts",
    from: "schema: z.strictObject({ holder: z.string().min(1).max(100), checking: balance, savings: balance }),",
    to: "version: 2,\n      schema: z.strictObject({ holder: z.string().min(1).max(100), checking: balance, savings: balance, bookings: z.int().min(0) }),",
  },
  {
    file: "contract.ts",
    from: "checking: GENESIS_BALANCE, savings: GENESIS_BALANCE }",
    to: "checking: GENESIS_BALANCE, savings: GENESIS_BALANCE, bookings: 0 }",
  },
  {
    file: "execution.ts",
    from: "    account[side] = increased(account[side], amount, context);",
    to: "    account[side] = increased(account[side], amount, context);\n    account.bookings += 1;",
  },
  {
    file: "execution.ts",
    from: "export default defineExecution<Bank>({",
    to: "export const upgrades = defineUpgrades({ account: { 2: (account: object) => ({ ...account, bookings: 0 }) } });\n\nexport default defineExecution<Bank>({",
  },
  { file: "execution.ts", from: "import { defineExecution }", to: "import { defineExecution, defineUpgrades }" },
  {
    file: "acceptance.ts",
    from: 'onlyChanges({ "account/{customer}": ["checking", "savings"] }),\n      must("reply-matches", (view) => {\n        const { customer, account, amount, balance }',
    to: 'onlyChanges({ "account/{customer}": ["checking", "savings", "bookings"] }),\n      must("one-more-booking", (view) => {\n        const { customer } = view.input;\n        return after(view, customer)?.bookings === (before(view, customer)?.bookings ?? 0) + 1;\n      }),\n      must("reply-matches", (view) => {\n        const { customer, account, amount, balance }',
  },
  {
    file: "acceptance.ts",
    from: "export default defineAcceptance<Bank>({",
    to: "export const upgrades = defineUpgrades({ account: { 2: (account: object) => ({ ...account, bookings: 0 }) } });\n\nexport default defineAcceptance<Bank>({",
  },
  { file: "acceptance.ts", from: "defineAcceptance, must", to: "defineAcceptance, defineUpgrades, must" },
];
