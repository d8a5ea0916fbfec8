/** A compromised process is honest until it is told to begin, so that nothing but its misbehaviour can be what is detected. */
export class Beginning {
  #hasBegun = false;
  #waiting: (() => void)[] = [];

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  begin(): void {
    this.#hasBegun = true;
    for (const act of this.#waiting.splice(0)) act();
  }

  /** Calls back so long after the beginning. */
  after(delayMs: number, act: () => void): void {
    const start = (): void => void setTimeout(act, delayMs);
    if (this.#hasBegun) start();
    else this.#waiting.push(start);
  }
}
