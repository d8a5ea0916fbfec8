/**
 * Lines of executions for objects. Transactions run optimistically; one that lost a conflict queues up for all objects it
 * declares and runs when it is first everywhere, so that a hot object costs each request two runs at most. All places
 * are taken at once and in the same order, so lines cannot block each other.
 */
export class ObjectLines<Member extends object> {
  readonly #lines = new Map<string, Set<Member>>();

  isLined(object: string): boolean {
    return this.#lines.has(object);
  }

  join(member: Member, objects: readonly string[]): void {
    for (const object of objects) {
      const line = this.#lines.get(object) ?? new Set();
      this.#lines.set(object, line.add(member));
    }
  }

  isFirst(member: Member, objects: readonly string[]): boolean {
    return objects.every((object) => this.#first(object) === member);
  }

  #first(object: string): Member | undefined {
    for (const first of this.#lines.get(object) ?? []) return first;
    return undefined;
  }

  /** Returns those that may have become first. */
  leave(member: Member, objects: readonly string[]): Set<Member> {
    const next = new Set<Member>();
    for (const object of objects) {
      const line = this.#lines.get(object);
      if (!line?.delete(member)) continue;
      if (line.size === 0) this.#lines.delete(object);
      const first = this.#first(object);
      if (first) next.add(first);
    }
    return next;
  }
}
