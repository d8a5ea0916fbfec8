"use client";
import Link from "next/link";
import { useLive } from "@/live/live-provider";
import { Empty } from "@/ui/page";
import { ToneIcon } from "@/ui/status";
import { Time } from "@/ui/time";
import { linkOf, sentenceOf, severityTones } from "./event-text";

export function EventList({ limit }: { limit: number }) {
  const { events } = useLive();
  // What administrators did has a page of its own, and would drown what the cluster did.
  const shown = events.filter(({ kind }) => kind !== "audit.appended").slice(0, limit);
  if (shown.length === 0)
    return <Empty title="No events yet">The feed starts with the first thing that happens.</Empty>;
  return (
    <ol aria-label="Recent events" className="divide-y divide-line rounded-md border border-line bg-surface">
      {shown.map((event) => {
        const href = linkOf(event);
        const sentence = sentenceOf(event);
        return (
          <li key={event.number} className="flex items-start gap-2.5 px-3 py-[7px]">
            <ToneIcon tone={severityTones[event.severity]} className="mt-[3px]" />
            <span className="min-w-0 flex-1 break-words leading-[19px]">
              <span className="sr-only">{event.severity}: </span>
              {href === null ? (
                sentence
              ) : (
                <Link href={href} className="underline-offset-2 hover:underline">
                  {sentence}
                </Link>
              )}
            </span>
            <Time iso={event.at} className="text-ink-faint text-xs leading-[19px]" />
          </li>
        );
      })}
    </ol>
  );
}
