"use client";
import type { RequestHistory } from "@/live/types";
import { plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";
import { formatMs } from "./timeline";

const toneOf = (status: number): Tone =>
  status < 400 ? "good" : status >= 500 ? "warn" : status === 403 ? "bad" : "idle";

export function ClientView({ request }: { request: RequestHistory }) {
  const { answers, log, replyStatus } = request;
  if (answers.length === 0)
    return (
      <p className="text-ink-soft">
        {log === "L3"
          ? "Nothing yet: the reply is withheld until it is safe to release."
          : replyStatus === null
            ? "Not known any more."
            : `Status ${replyStatus}. When, and how often, is not known any more.`}
      </p>
    );
  return (
    <ol aria-label="Answers" className="flex flex-col gap-1.5">
      {answers.map(({ at, ms, status, why, exchanges, repeated }) => (
        <li key={`${at} ${ms} ${status}`} className="flex flex-wrap items-baseline gap-x-3">
          <Status tone={toneOf(status)} className="font-medium">
            {status}
          </Status>
          <span className="min-w-0 text-ink-soft">
            {inert(why)}
            {exchanges > 1 && `; ${plural(exchanges, "exchange")} waited for it`}
            {repeated > 0 && `; ${repeated === exchanges ? "a repetition" : `${repeated} of them repetitions`}`}
          </span>
          <span className="ml-auto whitespace-nowrap text-ink-faint text-xs">
            {ms !== null && `after ${formatMs(ms)} · `}
            <Time iso={at} />
          </span>
        </li>
      ))}
    </ol>
  );
}
