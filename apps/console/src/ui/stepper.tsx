"use client";
/** A whole number between two limits, by typing, by arrow keys or by the two buttons beside it. */
import { Minus, Plus } from "lucide-react";
import { classes } from "./classes";

export interface StepperProps {
  label: string;
  value: number;
  minimum: number;
  maximum: number;
  onChange: (value: number) => void;
  disabled?: boolean;
  describedBy?: string;
}

export function Stepper({ label, value, minimum, maximum, onChange, disabled = false, describedBy }: StepperProps) {
  const clamp = (wanted: number) => Math.min(maximum, Math.max(minimum, Math.round(wanted)));
  const step =
    "inline-flex h-full w-8 items-center justify-center text-ink-soft hover:bg-hover hover:text-ink disabled:pointer-events-none disabled:opacity-40";
  return (
    <div
      className={classes(
        "inline-flex h-8 items-stretch overflow-hidden rounded-md border border-line-strong bg-surface",
        "has-[input:focus-visible]:outline-2 has-[input:focus-visible]:outline-accent has-[input:focus-visible]:outline-offset-2",
        disabled && "opacity-60",
      )}
    >
      <button
        type="button"
        tabIndex={-1}
        aria-label={`Fewer: ${label}`}
        disabled={disabled || value <= minimum}
        onClick={() => onChange(clamp(value - 1))}
        className={classes(step, "border-line border-r")}
      >
        <Minus aria-hidden className="size-3.5" />
      </button>
      <input
        type="number"
        aria-label={label}
        aria-describedby={describedBy}
        min={minimum}
        max={maximum}
        step={1}
        value={value}
        disabled={disabled}
        onChange={(event) => {
          const typed = event.target.valueAsNumber;
          if (Number.isFinite(typed)) onChange(clamp(typed));
        }}
        className="w-12 bg-transparent text-center font-medium outline-none"
      />
      <button
        type="button"
        tabIndex={-1}
        aria-label={`More: ${label}`}
        disabled={disabled || value >= maximum}
        onClick={() => onChange(clamp(value + 1))}
        className={classes(step, "border-line border-l")}
      >
        <Plus aria-hidden className="size-3.5" />
      </button>
    </div>
  );
}
