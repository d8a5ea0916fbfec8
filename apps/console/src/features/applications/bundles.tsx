"use client";
/** Bundles that lie on the manager's node: what deploying one would mean, before anybody does it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "@/live/trpc";
import type { ApplicationsStatus } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { CommandLine, Hash } from "@/ui/hash";
import { Empty } from "@/ui/page";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";

export function Bundles({ bundles }: Pick<ApplicationsStatus, "bundles">) {
  const [checked, setChecked] = useState<string | null>(null);
  if (bundles.length === 0)
    return (
      <Empty title="No other bundle is here">
        <code>npx redoubt app check FOLDER</code> says whether another version may take the place of the one that
        serves.
      </Empty>
    );
  return (
    <ul className="divide-y divide-line rounded-md border border-line bg-surface">
      {bundles.map(({ hash, name, version, bundledAt }) => (
        <li key={hash} className="px-3 py-2">
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
            <span className="font-medium">
              {inert(name)} {formatCount(version)}
            </span>
            <Hash value={hash} />
            <span className="text-ink-faint text-xs">
              bundled <Time iso={bundledAt} />
            </span>
            <Button
              size="sm"
              className="ml-auto"
              aria-expanded={checked === hash}
              onClick={() => setChecked(checked === hash ? null : hash)}
            >
              Check
            </Button>
          </div>
          {checked === hash && <Check hash={hash} />}
        </li>
      ))}
    </ul>
  );
}

function Check({ hash }: { hash: string }) {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.applications.check.queryOptions({ hash }), retry: false });
  if (data === undefined)
    return (
      <div className="mt-2">
        <Unavailable error={error} what="the comparison" />
      </div>
    );
  const lines = [
    ...data.problems.map((each) => ({ ...each, tone: "bad" as const })),
    ...data.notes.map((each) => ({ ...each, tone: "warn" as const })),
  ];
  return (
    <div className="mt-2 flex flex-col gap-1.5 border-line border-t pt-2">
      <Status tone={data.problems.length === 0 ? "good" : "bad"} className="font-medium">
        {data.problems.length === 0 ? "It may be deployed" : "It may not be deployed"}
      </Status>
      {lines.map(({ where, field, message, tone }) => (
        <Status key={`${where} ${field} ${message}`} tone={tone} wrap>
          <span className="text-ink">
            {inert(where)}, {inert(field)}:
          </span>{" "}
          {inert(message)}
        </Status>
      ))}
      <Status tone={data.rollback.possible ? "good" : "warn"} wrap>
        {inert(data.rollback.sentence)}
      </Status>
      {data.problems.length === 0 && (
        <div className="max-w-xl">
          <CommandLine command={'npx redoubt app deploy FOLDER --reason "…"'} />
        </div>
      )}
    </div>
  );
}
