"use client";
import Link from "next/link";
import type { RequestHistory } from "@/live/types";
import { inert } from "@/text/inert";
import { Status } from "@/ui/status";
import type { Tone } from "@/ui/tone";
import { guiltWords, hopTones } from "./words";

type Found = NonNullable<RequestHistory["fault"]>;

const tones: Record<Found["guilty"], Tone> = {
  request: "bad",
  "execution-server": "bad",
  "state-replica": "bad",
  "acceptance-test-server": "bad",
  "acceptance-test": "warn",
  network: "idle",
  nobody: "idle",
  undecided: "accent",
};

export function Fault({ request, fault }: { request: RequestHistory; fault: Found }) {
  const { guilty, sentence, evidence, incidents } = fault;
  return (
    <div className="rounded-md border border-line bg-surface p-3 sm:p-4">
      <Status tone={tones[guilty]} className="font-medium text-base">
        {guiltWords[guilty]}
      </Status>
      <p className="mt-0.5 max-w-3xl text-ink-soft">{inert(sentence)}</p>
      {evidence.length > 0 && (
        <ol aria-label="Evidence" className="mt-3 flex flex-col gap-1 border-line border-t pt-3">
          {evidence.map(({ server, text, tone }) => (
            <li key={`${server} ${text}`} className="flex items-start gap-x-3">
              <Status tone={hopTones[tone]} className="w-40 shrink-0">
                {server === "" ? "not known" : server}
              </Status>
              <span className="min-w-0 break-words text-ink-soft">{inert(text)}</span>
            </li>
          ))}
        </ol>
      )}
      {(incidents.length > 0 || request.quarantine !== null) && (
        <p className="mt-3 flex flex-wrap gap-x-4 border-line border-t pt-3">
          {request.quarantine !== null && (
            <Link href={`/quarantine/${request.requestId}`} className="text-accent underline-offset-2 hover:underline">
              All evidence in quarantine
            </Link>
          )}
          {incidents.map(({ incidentId, title }) => (
            <Link key={incidentId} href="/incidents" className="text-accent underline-offset-2 hover:underline">
              Incident: {inert(title)}
            </Link>
          ))}
        </p>
      )}
    </div>
  );
}
