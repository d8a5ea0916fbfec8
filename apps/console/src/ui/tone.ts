/** The five meanings a colour may have here. "idle" is unknown, stale or switched off: never shown as good. */
export type Tone = "good" | "warn" | "bad" | "idle" | "accent";

export const toneText: Record<Tone, string> = {
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  idle: "text-idle",
  accent: "text-accent",
};

export const toneSoft: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  idle: "bg-idle-soft text-idle",
  accent: "bg-accent-soft text-accent",
};

export const toneMark: Record<Tone, string> = {
  good: "bg-good-mark",
  warn: "bg-warn-mark",
  bad: "bg-bad-mark",
  idle: "bg-idle-mark",
  accent: "bg-accent",
};
