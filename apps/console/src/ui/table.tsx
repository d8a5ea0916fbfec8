"use client";
/** Dense tables. The wrapper scrolls sideways on narrow screens and is reachable by keyboard then. */
import { type ComponentProps, type FocusEvent, type ReactNode, useRef } from "react";
import { classes } from "./classes";
import { ScrollBox } from "./scroll-box";

export interface TableProps {
  label: string;
  children: ReactNode;
  className?: string;
  /** Told when the first of pointer and focus enters the table and when the last has left it. */
  onPresence?: (present: boolean) => void;
}

export function Table({ label, children, className, onPresence }: TableProps) {
  const presence = usePresence(onPresence);
  return (
    <ScrollBox label={`${label}, table`} className={classes("rounded-md border border-line bg-surface", className)}>
      <table aria-label={label} className="w-full border-collapse text-left" {...presence}>
        {children}
      </table>
    </ScrollBox>
  );
}

function usePresence(onPresence: ((present: boolean) => void) | undefined) {
  const inside = useRef({ pointer: false, focus: false });
  if (onPresence === undefined) return {};
  const note = (what: "pointer" | "focus", present: boolean) => {
    const before = inside.current.pointer || inside.current.focus;
    inside.current[what] = present;
    const after = inside.current.pointer || inside.current.focus;
    if (before !== after) onPresence(after);
  };
  return {
    onPointerEnter: () => note("pointer", true),
    onPointerLeave: () => note("pointer", false),
    onFocus: () => note("focus", true),
    onBlur: (event: FocusEvent<HTMLElement>) => {
      if (!event.currentTarget.contains(event.relatedTarget)) note("focus", false);
    },
  };
}

export function HeaderCell({ className, numeric, ...rest }: ComponentProps<"th"> & { numeric?: boolean }) {
  return (
    <th
      scope="col"
      className={classes(
        "h-8 whitespace-nowrap border-line border-b bg-sunken px-2.5 font-medium text-ink-faint text-xs",
        numeric === true && "text-right",
        className,
      )}
      {...rest}
    />
  );
}

export function Row({ className, ...rest }: ComponentProps<"tr">) {
  return <tr className={classes("border-line border-b last:border-b-0", className)} {...rest} />;
}

export function Cell({ className, numeric, ...rest }: ComponentProps<"td"> & { numeric?: boolean }) {
  return <td className={classes("h-9 px-2.5 py-1.5", numeric === true && "text-right", className)} {...rest} />;
}

/** First cell of a row: names it for screen readers. */
export function RowHeader({ className, ...rest }: ComponentProps<"th">) {
  return <th scope="row" className={classes("h-9 px-2.5 py-1.5 font-medium", className)} {...rest} />;
}
