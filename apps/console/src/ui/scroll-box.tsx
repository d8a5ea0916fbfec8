"use client";
/** A box that scrolls and can be reached and scrolled by keyboard when it does. */
import { ScrollArea } from "@base-ui/react/scroll-area";
import type { ReactNode } from "react";
import { classes } from "./classes";

const bar =
  "flex touch-none select-none p-0.5 opacity-0 transition-opacity data-[hovering]:opacity-100 data-[scrolling]:opacity-100";

export function ScrollBox({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    <ScrollArea.Root className={classes("relative flex min-w-0 flex-col overflow-hidden", className)}>
      <ScrollArea.Viewport role="group" aria-label={label} className="min-h-0 flex-1 outline-offset-[-2px]">
        <ScrollArea.Content>{children}</ScrollArea.Content>
      </ScrollArea.Viewport>
      <ScrollArea.Scrollbar orientation="vertical" className={classes(bar, "w-2.5")}>
        <ScrollArea.Thumb className="w-full rounded-full bg-line-strong" />
      </ScrollArea.Scrollbar>
      <ScrollArea.Scrollbar orientation="horizontal" className={classes(bar, "h-2.5 flex-col")}>
        <ScrollArea.Thumb className="h-full rounded-full bg-line-strong" />
      </ScrollArea.Scrollbar>
    </ScrollArea.Root>
  );
}
