/** Counters for the console's topology: totals, sizes of the logs, and the latency of the last second. */
const LATENCIES_MAX = 4_096;
const IDLE_ENDS: ReadonlySet<string> = new Set(["state-master", "configuration-manager"]);

export class TrafficCounters {
  readonly #totals = new Map<string, number>();
  #latencies: number[] = [];
  #changed = false;

  count(name: string, by = 1): void {
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + by);
    this.#changed = true;
  }

  /** One message along an edge of the topology. Talk with masters and managers goes on in idle hours: it is no change. */
  countEdge(from: string, to: string): void {
    const name = `edge.${from}.${to}`;
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + 1);
    if (!IDLE_ENDS.has(from) && !IDLE_ENDS.has(to)) this.#changed = true;
  }

  /** Time from arrival to reply. */
  answered(latencyMs: number): void {
    if (this.#latencies.length < LATENCIES_MAX) this.#latencies.push(latencyMs);
  }

  get changed(): boolean {
    return this.#changed;
  }

  total(name: string): number {
    return this.#totals.get(name) ?? 0;
  }

  /** Everything so far plus the latencies since the last call. */
  report(gauges: Readonly<Record<string, number>>): Record<string, number> {
    const sorted = this.#latencies.sort((left, right) => left - right);
    const quantile = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const latency: Record<string, number> =
      sorted.length === 0 ? {} : { "latency.p50Ms": quantile(0.5), "latency.p99Ms": quantile(0.99) };
    this.#latencies = [];
    this.#changed = false;
    return { ...Object.fromEntries(this.#totals), ...gauges, ...latency };
  }
}
