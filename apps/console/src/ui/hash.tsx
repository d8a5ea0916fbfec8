"use client";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { classes } from "./classes";

const copiedShownMs = 1500;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), copiedShownMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true));
  const Icon = copied ? Check : Copy;
  return (
    <button
      type="button"
      aria-label={copied ? "Copied" : label}
      title={label}
      onClick={() => void copy()}
      className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-ink-faint hover:bg-hover hover:text-ink"
    >
      <Icon aria-hidden className="size-3.5" />
    </button>
  );
}

/** A digest by its first digits; all of it on hover. Equal prefixes are all that eyes compare anyway. */
export function Hash({ value, digits = 10, className }: { value: string; digits?: number; className?: string }) {
  return (
    <span className={classes("whitespace-nowrap font-mono text-xs", className)} title={value}>
      {value.slice(0, digits)}
      {value.length > digits && <span className="text-ink-faint">…</span>}
    </span>
  );
}

/** The command that does the same as what is on the page. */
export function CommandLine({ command }: { command: string }) {
  return (
    <div className="flex items-center gap-1 rounded-md border border-line bg-sunken py-0.5 pr-1 pl-2.5 font-mono text-ink-soft text-xs">
      <span aria-hidden className="select-none text-ink-faint">
        $
      </span>
      <code className="min-w-0 flex-1 truncate" title={command}>
        {command}
      </code>
      <CopyButton text={command} label="Copy command" />
    </div>
  );
}
