/** Live servers against wanted ones, as marks to count at a glance; the numbers stand beside it, so it is hidden from readers. */
import { classes } from "./classes";

export interface PipsProps {
  live: number;
  wanted: number;
  /** Nothing is known: the marks stay grey. */
  stale?: boolean;
}

const shownMax = 16;

export function Pips({ live, wanted, stale = false }: PipsProps) {
  const total = Math.min(shownMax, Math.max(live, wanted));
  const marks = Array.from({ length: total }, (_, index) => ({ id: `pip-${index}`, isLive: index < live }));
  return (
    <span aria-hidden className="inline-flex items-center gap-[3px]">
      {marks.map(({ id, isLive }) => (
        <span
          key={id}
          className={classes(
            "h-3 w-1.5 rounded-[1.5px]",
            stale ? "bg-idle-mark" : isLive ? "bg-good-mark" : "bg-bad-mark",
          )}
        />
      ))}
    </span>
  );
}
