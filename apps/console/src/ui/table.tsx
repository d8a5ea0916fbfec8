/** Dense tables. The wrapper scrolls sideways on narrow screens and is reachable by keyboard then. */
import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes";

export interface TableProps {
  label: string;
  children: ReactNode;
  className?: string;
  onPointerEnter?: () => void;
  onPointerLeave?: () => void;
  onFocus?: () => void;
  onBlur?: () => void;
}

export function Table({ label, children, className, ...handlers }: TableProps) {
  return (
    <div className={classes("overflow-x-auto rounded-md border border-line bg-surface", className)}>
      <table aria-label={label} className="w-full border-collapse text-left" {...handlers}>
        {children}
      </table>
    </div>
  );
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
