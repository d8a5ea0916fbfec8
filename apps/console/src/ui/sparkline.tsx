/** A small line of recent values, oldest left. Decorative beside its number, so hidden from screen readers. */

export interface SparklineProps {
  values: readonly (number | null)[];
  /** Values the full width stands for; fewer values fill from the right. */
  capacity: number;
  className?: string;
}

const width = 160;
const height = 28;

export function Sparkline({ values, capacity, className }: SparklineProps) {
  const highest = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const step = width / (capacity - 1);
  const left = width - (values.length - 1) * step;
  const points = values.map((value, index) => {
    const x = left + index * step;
    const y = height - 1.5 - ((value ?? 0) / highest) * (height - 4);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  if (points.length < 2) return <svg viewBox={`0 0 ${width} ${height}`} aria-hidden className={className} />;
  const line = `M ${points.join(" L ")}`;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden preserveAspectRatio="none" className={className}>
      <path d={`${line} L ${width} ${height} L ${left.toFixed(1)} ${height} Z`} className="fill-accent-soft" />
      <path d={line} fill="none" className="stroke-accent" strokeWidth="1.25" vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
