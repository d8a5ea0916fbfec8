/**
 * The drawing beside the log-in form: a bastioned fort in plan, with the paper's five farms as its works. Decoration only, but it says
 * what the system is: nothing reaches the state at the centre except through every line before it.
 */
const centre = 300;

function ring(points: number, radius: number, turn: number): { x: number; y: number }[] {
  return Array.from({ length: points }, (_, index) => {
    const angle = ((index + turn) / points) * 2 * Math.PI - Math.PI / 2;
    return { x: round(centre + radius * Math.cos(angle)), y: round(centre + radius * Math.sin(angle)) };
  });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Five bastions: tip, shoulders, and the curtain between them. */
function trace(scale: number): string {
  const tips = ring(5, 250 * scale, 0);
  const shoulders = ring(360, 172 * scale, 0);
  const flanks = ring(360, 146 * scale, 0);
  const at = (list: { x: number; y: number }[], index: number) => {
    const { x, y } = list[(index + 360) % 360] as { x: number; y: number };
    return `${x} ${y}`;
  };
  const works = tips.map((tip, index) => {
    const base = index * 72;
    return [
      at(flanks, base - 14),
      at(shoulders, base - 20),
      `${tip.x} ${tip.y}`,
      at(shoulders, base + 20),
      at(flanks, base + 14),
    ].join(" L ");
  });
  return `M ${works.join(" L ")} Z`;
}

/** Glacis, ditch and wall at equal distances: each a wide line under a narrower one in the ground's colour. */
const outworks = [
  { width: 74, core: 72.6 },
  { width: 40, core: 38.6 },
];

export function FortDrawing() {
  const wall = trace(0.96);
  return (
    <svg viewBox="0 0 600 600" aria-hidden className="h-full w-full p-[6%] text-line-strong" fill="none">
      {outworks.map(({ width, core }) => (
        <g key={width} strokeLinejoin="miter">
          <path d={wall} stroke="currentColor" strokeWidth={width} />
          <path d={wall} className="stroke-sunken" strokeWidth={core} />
        </g>
      ))}
      <path d={wall} className="fill-canvas" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" />
      {ring(5, 84, 0).map(({ x, y }) => (
        <g key={x}>
          <path d={`M ${centre} ${centre} L ${x} ${y}`} stroke="currentColor" strokeWidth="1" />
          <circle cx={x} cy={y} r="9" className="fill-canvas" stroke="currentColor" strokeWidth="1.4" />
        </g>
      ))}
      <circle cx={centre} cy={centre} r="17" className="fill-accent-soft" stroke="var(--accent)" strokeWidth="1.8" />
    </svg>
  );
}
