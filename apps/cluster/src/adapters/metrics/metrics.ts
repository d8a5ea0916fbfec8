/**
 * Figures of a process for Prometheus.
 *
 * Hot paths count in plain numbers of their own; the registry reads them when somebody asks, so measuring costs nothing in between. For the same
 * reason it does not use prom-client's default metrics: those keep a timer running every 10 ms to watch the event loop, twenty processes of it.
 * The process metrics here have the same names.
 */
import { readdir } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";

export interface MetricDescription {
  /** Lower-case with underscores, starting with "redoubt_"; counters end in "_total". */
  readonly name: string;
  readonly help: string;
}

/** One value for each combination of label values. */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a metric shows when asked: a number, or one for each combination of labels. */
export type ReadMetric = () => number | readonly LabelledValue[];

const NAME = /^redoubt_[a-z0-9_]{1,80}$/;

export class Metrics {
  readonly #registry = new Registry();

  /** The labels go on every value of this process. */
  constructor(labels: { readonly component: string; readonly server: string }) {
    this.#registry.setDefaultLabels({ ...labels });
    this.#addProcessMetrics();
  }

  /** Shows a number that only grows (until the process restarts). */
  counter(description: MetricDescription, read: ReadMetric, labelNames: readonly string[] = []): void {
    checkName(description.name);
    if (!description.name.endsWith("_total")) throw new RangeError(`counter ${description.name} must end in "_total"`);
    this.#addCounter(description, read, labelNames);
  }

  /** Shows a number that goes up and down. */
  gauge(description: MetricDescription, read: ReadMetric, labelNames: readonly string[] = []): void {
    checkName(description.name);
    this.#addGauge(description, read, labelNames);
  }

  #addCounter({ name, help }: MetricDescription, read: ReadMetric, labelNames: readonly string[]): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels, value } of toList(read())) this.inc({ ...labels }, value);
      },
    });
  }

  #addGauge(
    { name, help }: MetricDescription,
    read: () => ReturnType<ReadMetric> | Promise<number>,
    labelNames: readonly string[],
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      async collect() {
        const values = toList(await read());
        this.reset();
        for (const { labels, value } of values) this.set({ ...labels }, value);
      },
    });
  }

  #addProcessMetrics(): void {
    const startTimeSeconds = Date.now() / 1_000 - process.uptime();
    const counters: [string, string, () => number][] = [
      ["process_cpu_user_seconds_total", "User CPU time spent", () => process.cpuUsage().user / 1e6],
      ["process_cpu_system_seconds_total", "System CPU time spent", () => process.cpuUsage().system / 1e6],
      [
        "nodejs_eventloop_active_seconds_total",
        "Time the event loop was busy",
        () => performance.eventLoopUtilization().active / 1e3,
      ],
    ];
    const gauges: [string, string, () => number | Promise<number>][] = [
      ["process_start_time_seconds", "Start of the process, seconds since 1970", () => startTimeSeconds],
      ["process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss()],
      ["process_open_fds", "Open file descriptors", countDescriptors],
      ["nodejs_heap_size_used_bytes", "Used part of the JavaScript heap", () => process.memoryUsage().heapUsed],
      ["nodejs_external_memory_bytes", "Memory of buffers outside the heap", () => process.memoryUsage().external],
      ["nodejs_eventloop_lag_seconds", "Delay of the event loop at this moment", eventLoopLagSeconds],
    ];
    for (const [name, help, read] of counters) this.#addCounter({ name, help }, read, []);
    for (const [name, help, read] of gauges) this.#addGauge({ name, help }, read, []);
  }

  /** All metrics in Prometheus' text format. */
  exposition(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The content type of the exposition. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new RangeError(`metric name is ${JSON.stringify(name)}, expected redoubt_[a-z0-9_]`);
}

function toList(read: ReturnType<ReadMetric>): readonly LabelledValue[] {
  return typeof read === "number" ? [{ labels: {}, value: read }] : read;
}

/** 0 where the system has no /proc. */
async function countDescriptors(): Promise<number> {
  return readdir("/proc/self/fd").then(
    (found) => found.length,
    () => 0,
  );
}

function eventLoopLagSeconds(): Promise<number> {
  const askedAtMs = performance.now();
  return new Promise((resolve) => setImmediate(() => resolve((performance.now() - askedAtMs) / 1_000)));
}
