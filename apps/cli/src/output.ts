/** What a command prints: one line of JSON with `--json`, tables and sentences for people otherwise. */
import Table from "cli-table3";
import pc from "picocolors";

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const note = (text: string): void => void process.stderr.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value));

export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const table = new Table({
    head: head.map((title) => pc.bold(title)),
    style: { head: [], border: [], compact: true },
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "  ",
    },
  });
  for (const row of rows) table.push(row.map(String));
  print(rows.length === 0 ? `${head.join("  ")}\n(none)` : table.toString());
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  up: pc.green,
  running: pc.green,
  verified: pc.green,
  suspect: pc.yellow,
  pending: pc.yellow,
  down: pc.red,
  invalid: pc.red,
};

export const state = (name: string): string => (COLOURS[name] ?? ((text: string) => text))(name);

export const shortened = (hex: string | null, length = 12): string => (hex === null ? "–" : hex.slice(0, length));
