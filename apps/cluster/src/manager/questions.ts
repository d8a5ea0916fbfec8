/** Questions to other servers, matched to their answers by a name of their own. An answer that does not come is undefined. */
import { randomUUID } from "node:crypto";

const OPEN_MAX = 1_000;

export class Questions<Answer> {
  readonly #open = new Map<string, (answer: Answer | undefined) => void>();

  ask(patienceMs: number): { readonly query: string; readonly answer: Promise<Answer | undefined> } {
    const query = randomUUID();
    const answer = new Promise<Answer | undefined>((resolve) => {
      const timer = setTimeout(() => this.answer(query, undefined), patienceMs);
      this.#open.set(query, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
    if (this.#open.size > OPEN_MAX) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.answer(oldest, undefined);
    }
    return { query, answer };
  }

  /** Ignored when nobody asked, or the time is up. */
  answer(query: string, value: Answer | undefined): void {
    const resolve = this.#open.get(query);
    this.#open.delete(query);
    resolve?.(value);
  }
}
