/** Figures of a process for Prometheus; see metrics.ts. */
export { type LabelledValue, type MetricDescription, Metrics, type ReadMetric } from "./metrics.ts";
