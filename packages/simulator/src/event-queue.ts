/** Events in the order of virtual time; equal times keep the order in which they were put in (determinism). */
interface Entry<Event> {
  readonly at: number;
  readonly order: number;
  readonly event: Event;
}

export class EventQueue<Event> {
  readonly #heap: Entry<Event>[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  put(at: number, event: Event): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#order++, event });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  take(): { at: number; event: Event } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (!first) return undefined;
    const last = heap.pop() as Entry<Event>;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    const size = this.#heap.length;
    for (let parent = 0; ; ) {
      const left = parent * 2 + 1;
      if (left >= size) return;
      const right = left + 1;
      const child = right < size && this.#before(right, left) ? right : left;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #before(left: number, right: number): boolean {
    const a = this.#heap[left] as Entry<Event>;
    const b = this.#heap[right] as Entry<Event>;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(left: number, right: number): void {
    const heap = this.#heap;
    const kept = heap[left] as Entry<Event>;
    heap[left] = heap[right] as Entry<Event>;
    heap[right] = kept;
  }
}
