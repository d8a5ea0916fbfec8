"use client";
/** A labelled input with its hint and its error; the error is tied to the input for screen readers. */
import { ChevronDown } from "lucide-react";
import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./classes";

const control =
  "w-full rounded-md border border-line-strong bg-surface px-2.5 text-sm text-ink placeholder:text-ink-faint hover:border-ink-faint aria-invalid:border-bad disabled:opacity-60";

export interface FieldFrameProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  className?: string;
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

function Frame({
  label,
  hint,
  error,
  className,
  children,
}: FieldFrameProps & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const noteId = `${id}-note`;
  const hasNote = error !== undefined || hint !== undefined;
  return (
    <div className={classes("flex flex-col gap-1", className)}>
      <label htmlFor={id} className="font-medium text-ink-soft text-xs">
        {label}
      </label>
      {children({
        id,
        "aria-describedby": hasNote ? noteId : undefined,
        "aria-invalid": error === undefined ? undefined : true,
      })}
      {hasNote && (
        <p id={noteId} className={classes("text-xs", error === undefined ? "text-ink-faint" : "text-bad")}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export type TextFieldProps = FieldFrameProps & Omit<ComponentProps<"input">, "className">;

export function TextField({ label, hint, error, className, ...input }: TextFieldProps) {
  return (
    <Frame label={label} hint={hint} error={error} className={className}>
      {(wiring) => <input className={classes(control, "h-8")} {...wiring} {...input} />}
    </Frame>
  );
}

export type TextAreaProps = FieldFrameProps & Omit<ComponentProps<"textarea">, "className">;

export function TextArea({ label, hint, error, className, rows = 3, ...input }: TextAreaProps) {
  return (
    <Frame label={label} hint={hint} error={error} className={className}>
      {(wiring) => <textarea rows={rows} className={classes(control, "resize-y py-1.5")} {...wiring} {...input} />}
    </Frame>
  );
}

export type SelectFieldProps = FieldFrameProps &
  Omit<ComponentProps<"select">, "className" | "children"> & {
    options: readonly { value: string; label: string }[];
  };

/** The browser's own list: known to every hand and every screen reader. */
export function SelectField({ label, hint, error, className, options, ...input }: SelectFieldProps) {
  return (
    <Frame label={label} hint={hint} error={error} className={className}>
      {(wiring) => (
        <span className="relative flex items-center">
          <select className={classes(control, "h-8 appearance-none pr-7")} {...wiring} {...input}>
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
          <ChevronDown aria-hidden className="pointer-events-none absolute right-2 size-3.5 text-ink-faint" />
        </span>
      )}
    </Frame>
  );
}
