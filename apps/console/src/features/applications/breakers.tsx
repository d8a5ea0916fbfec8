"use client";
/** What the breaker has opened: stands above everything else, since an administrator has to act on it. */
import { checkTitle } from "@redoubt/shared";
import Link from "next/link";
import type { ApplicationVersion, BreakerState } from "@/live/types";
import { plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Time } from "@/ui/time";

export interface BreakersProps {
  /** Open ones. */
  breakers: readonly BreakerState[];
  versions: readonly ApplicationVersion[];
}

export function Breakers({ breakers, versions }: BreakersProps) {
  return breakers.map(({ applicationVersion, operation, check, principals, withheld, openedAt, openUntil }) => {
    const version = versions.find(({ hash }) => hash === applicationVersion)?.version;
    return (
      <Banner
        key={`${applicationVersion} ${operation} ${check}`}
        tone="bad"
        title={`Acceptance test suspect: “${checkTitle(inert(check))}” of ${inert(operation)}${version === undefined ? "" : ` in version ${version}`}`}
      >
        Requests of {plural(principals, "client")} in good standing failed it. Failing ones are withheld with 503 (
        {plural(withheld, "request")} so far); nobody is blamed, blocked or learned from, and other operations go on.
        {openedAt !== null && (
          <>
            {" "}
            Open since <Time iso={openedAt} />
            {openUntil !== null && (
              <>
                , closes at <Time iso={openUntil} /> if nothing more fails
              </>
            )}
            .
          </>
        )}{" "}
        <Link href="/incidents" className="text-accent underline-offset-2 hover:underline">
          Its incident
        </Link>
      </Banner>
    );
  });
}
