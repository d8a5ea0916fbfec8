/** How much of something observed is done; the numbers stand beside it in words, too. */
import { classes } from "./classes";

export interface ProgressProps {
  label: string;
  done: number;
  total: number;
  stuck?: boolean;
}

export function ProgressBar({ label, done, total, stuck = false }: ProgressProps) {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      className="h-1.5 overflow-hidden rounded-full bg-line"
    >
      <div
        className={classes(
          "h-full origin-left rounded-full transition-transform",
          stuck ? "bg-warn-mark" : "bg-accent",
        )}
        style={{ transform: `scaleX(${share})` }}
      />
    </div>
  );
}
