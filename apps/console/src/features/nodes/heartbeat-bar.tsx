/** The last beats of a node, oldest left. A segment is as tall as the share of beats that came; one that is grey is not known. */
import type { NodeDetail } from "@/live/types";
import { formatUtc } from "@/text/format";
import { classes } from "@/ui/classes";

type Beat = NodeDetail["heartbeats"][number];

const lateBelow = 0.999;
const badBelow = 0.5;

export function HeartbeatBar({ node, beats }: { node: string; beats: readonly Beat[] }) {
  // A time of which nothing is known, such as before the node existed, has missed nothing.
  const known = beats.filter(({ fraction }) => fraction !== null);
  const missed = known.reduce((sum, { received, expected }) => sum + expected - received, 0);
  const expected = known.reduce((sum, beat) => sum + beat.expected, 0);
  return (
    <span
      role="img"
      aria-label={`Heartbeats of ${node}: ${missed} of ${expected} missed`}
      className="inline-flex h-5 items-end gap-[1.5px]"
    >
      {beats.map((beat) => (
        <span
          key={beat.at}
          title={`${formatUtc(beat.at)}: ${beat.fraction === null ? "not known" : `${beat.received} of ${beat.expected} beats`}`}
          className={classes("w-[3px] rounded-[1px]", colourOf(beat.fraction))}
          style={{ height: `${Math.round(20 * Math.max(0.25, beat.fraction ?? 0.25))}px` }}
        />
      ))}
    </span>
  );
}

function colourOf(fraction: number | null): string {
  if (fraction === null) return "bg-idle-mark/50";
  if (fraction < badBelow) return "bg-bad-mark";
  return fraction < lateBelow ? "bg-warn-mark" : "bg-good-mark/80";
}
