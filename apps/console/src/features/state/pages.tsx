"use client";
/** Where a long list goes on: links, so that Back works and an address is a place in the list. */
import { ArrowRight, ChevronsLeft } from "lucide-react";
import Link from "next/link";
import { buttonClasses } from "@/ui/button";

export interface PagesProps {
  shown: string;
  /** Address of the first page; null when it is shown. */
  first: string | null;
  /** Address of the next page; null on the last. */
  next: string | null;
  firstTitle?: string;
  nextTitle: string;
}

export function Pages({ shown, first, next, firstTitle = "First page", nextTitle }: PagesProps) {
  return (
    <nav aria-label="Pages of the list" className="mt-2 flex min-h-7 flex-wrap items-center justify-between gap-2">
      <p className="text-ink-faint text-xs">{shown}</p>
      <span className="flex gap-2">
        {first !== null && (
          <Link href={first} className={buttonClasses("ghost", "sm")}>
            <ChevronsLeft aria-hidden className="size-3.5" />
            {firstTitle}
          </Link>
        )}
        {next !== null && (
          <Link href={next} className={buttonClasses("secondary", "sm")}>
            {nextTitle}
            <ArrowRight aria-hidden className="size-3.5" />
          </Link>
        )}
      </span>
    </nav>
  );
}
