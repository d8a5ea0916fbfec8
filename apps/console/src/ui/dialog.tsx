"use client";
/** A modal dialog that holds still while data streams behind it: its content is given once, when it opens, by its caller. */
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
}

export function Dialog({ open, onOpenChange, title, description, children }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-[oklch(0.1_0.01_258/0.45)] transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <Base.Popup className="fixed top-[12vh] left-1/2 z-50 max-h-[80vh] w-[min(560px,calc(100vw-32px))] -translate-x-1/2 overflow-y-auto rounded-lg border border-line-strong bg-surface p-5 shadow-2xl outline-none transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0">
          <div className="flex items-start justify-between gap-4">
            <Base.Title className="font-semibold text-lg tracking-tight">{title}</Base.Title>
            <Base.Close
              aria-label="Close"
              className="-mt-1 -mr-1.5 inline-flex size-8 items-center justify-center rounded-md text-ink-faint hover:bg-hover hover:text-ink"
            >
              <X aria-hidden className="size-4" />
            </Base.Close>
          </div>
          {description !== undefined && (
            <Base.Description render={<div />} className="mt-1 text-ink-soft">
              {description}
            </Base.Description>
          )}
          <div className="mt-4">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
