/** The frame of a page's content: a heading with one sentence and actions, and sections parted by hairlines, not boxes. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export interface PageHeaderProps {
  title: ReactNode;
  sentence?: ReactNode;
  actions?: ReactNode;
  above?: ReactNode;
}

export function PageHeader({ title, sentence, actions, above }: PageHeaderProps) {
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
      <div className="min-w-0">
        {above}
        <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
        {sentence !== undefined && <p className="mt-0.5 max-w-3xl text-ink-soft">{sentence}</p>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

export interface SectionProps {
  title: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
  id?: string;
}

export function Section({ title, aside, children, className, id }: SectionProps) {
  const headingId = id === undefined ? undefined : `${id}-heading`;
  return (
    <section aria-labelledby={headingId} className={classes("min-w-0", className)} id={id}>
      <div className="mb-2 flex items-baseline justify-between gap-4">
        <h2 className="font-semibold text-sm" id={headingId}>
          {title}
        </h2>
        {aside !== undefined && <div className="text-ink-faint text-xs">{aside}</div>}
      </div>
      {children}
    </section>
  );
}

/** Nothing here, and why that is fine or what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="rounded-md border border-line border-dashed px-6 py-8 text-center">
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="mx-auto mt-1 max-w-lg text-ink-soft">{children}</div>}
    </div>
  );
}
