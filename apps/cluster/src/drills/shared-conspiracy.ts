/** What compromised processes of one machine tell each other: tickets, through a file. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Conspiracy } from "@redoubt/adversary";
import type { Ticket } from "@redoubt/shared";
import type { Beginning } from "./beginning.ts";

const SHARED_MAX = 20;

export class SharedConspiracy extends Conspiracy {
  readonly #file: string;
  readonly #beginning: Beginning;
  #shared = 0;

  /** Others' tickets are known from the beginning on. */
  constructor(data: string, beginning: Beginning) {
    super();
    this.#file = join(data, "drills", "tickets.jsonl");
    this.#beginning = beginning;
    beginning.after(0, () => this.#learn());
  }

  override overhear(ticket: Ticket): void {
    super.overhear(ticket);
    if (!this.#beginning.hasBegun || this.#shared++ >= SHARED_MAX) return;
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    appendFileSync(this.#file, `${JSON.stringify(ticket)}\n`);
  }

  #learn(): void {
    if (!existsSync(this.#file)) return;
    const lines = readFileSync(this.#file, "utf8").split("\n");
    for (const line of lines.slice(-SHARED_MAX - 1)) if (line.endsWith("}")) super.overhear(JSON.parse(line) as Ticket);
  }
}
