"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { type ReactNode, useCallback, useEffect } from "react";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { StateHistory } from "@/live/types";
import { formatCount, plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { CommandLine } from "@/ui/hash";
import { Empty, PageHeader, Section } from "@/ui/page";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { C1Grid } from "./c1-grid";
import { answering, copiesOf, isWrong, replicaNames } from "./divergence";
import { Pages } from "./pages";
import { historyInput, pageOf, readPlace } from "./place";
import { addressOfObject, addressOfServer } from "./search";
import { VersionDetail } from "./version-detail";
import { VersionLine } from "./version-line";
import { keyOf } from "./version-tones";

export function ObjectPanel({ object }: { object: string }) {
  const trpc = useTRPC();
  const place = readPlace(new URLSearchParams(useSearchParams().toString()));
  const { data, error, dataUpdatedAt } = useQuery({
    ...trpc.state.show.queryOptions(historyInput(object, place.before)),
    refetchInterval: beatMs,
    placeholderData: keepPreviousData,
  });
  const page = data === undefined ? "" : pageOf(place, data.versions);
  useEffect(() => {
    if (page !== "") window.history.replaceState(null, "", withQuery({ before: page }));
  }, [page]);
  return (
    <>
      <PageHeader
        title={<span className="break-all font-mono text-lg">{inert(object)}</span>}
        above={
          <Link href="/state" className="text-ink-faint text-xs underline-offset-2 hover:underline">
            State
          </Link>
        }
        sentence="Every version ever stored, with who made it and what each replica holds. Versions are never overwritten."
        actions={
          <span className="text-ink-faint text-xs">
            {data !== undefined && <AsOf iso={new Date(dataUpdatedAt).toISOString()} />}
          </span>
        }
      />
      {data === undefined ? (
        <Unavailable error={error} what="the object">
          Names have the form type/key, such as account/1.{" "}
          <Link href="/state" className="text-accent underline-offset-2 hover:underline">
            See all objects
          </Link>
        </Unavailable>
      ) : (
        <History history={data} place={place} />
      )}
      <div className="mt-6 max-w-xl">
        <CommandLine
          command={`npx redoubt state show ${object}${place.before === "" ? "" : ` --before ${place.before}`}`}
        />
      </div>
    </>
  );
}

function withQuery(part: Record<string, string>): string {
  const query = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(part)) query.set(name, value);
  return `${window.location.pathname}?${query}`;
}

interface HistoryProps {
  history: StateHistory;
  place: ReturnType<typeof readPlace>;
}

function History({ history, place }: HistoryProps) {
  const { object, versions, older, placement, isCut, keptFrom } = history;
  const select = useCallback((version: string) => {
    window.history.replaceState(null, "", withQuery({ version }));
  }, []);
  const names = replicaNames(versions, placement?.members);
  const answered = answering(versions);
  const copies = (version: (typeof versions)[number]) => copiesOf(version, names, answered);
  const wrong = versions.filter((version) => copies(version).some(isWrong));
  const newestVerified = versions.findLast(({ status }) => status === "verified");
  const chosen = versions.find((version) => keyOf(version) === place.version) ?? newestVerified ?? versions.at(-1);
  const first = versions[0];
  const { parent } = chosen ?? { parent: null };
  const isParentShown = parent === null || versions.some((version) => keyOf(version) === keyOf(parent));
  const parentPage =
    isParentShown || older === null ? null : `${addressOfObject(object)}?before=${older}&version=${keyOf(parent)}`;
  if (chosen === undefined || first === undefined)
    return isCut ? (
      <Empty title="Older than the retention window">
        Neither masters nor replicas that answer can say more of the versions before these.
      </Empty>
    ) : (
      <Empty title="Nothing older">This is the beginning of the object's history.</Empty>
    );
  return (
    <div className="flex flex-col gap-6">
      <Figures history={history} names={names} />
      {isCut && keptFrom !== null && (
        <Banner tone="idle" title="Older than the retention window">
          The masters keep every version since <Time iso={keptFrom} />. Older ones are shown as the replicas have them:
          who tested them, their C2 and when they were decided is not known any more.
        </Banner>
      )}
      {wrong.length > 0 && (
        <Banner tone="bad" title={`Copies of ${plural(wrong.length, "version")} differ between replicas`}>
          What t+1 replicas hold alike is what is served. The odd copy is marked below, and is repaired from the others
          by the next scrub.
        </Banner>
      )}
      <Section
        id="line"
        title="Version line"
        aside={`versions ${formatCount(first.number)} to ${formatCount(versions.at(-1)?.number ?? first.number)}`}
      >
        <VersionLine
          versions={versions}
          selected={keyOf(chosen)}
          onSelect={select}
          hasWrongCopy={(version) => copies(version).some(isWrong)}
        />
      </Section>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-x-6 gap-y-6 xl:grid-cols-[minmax(0,1fr)_340px]">
        <div className="min-w-0 xl:sticky xl:top-4 xl:order-2">
          <VersionDetail
            object={object}
            version={chosen}
            copies={copies(chosen)}
            parentPage={parentPage}
            onSelect={select}
          />
        </div>
        <Section id="replicas" title="C1 per replica" aside="newest first">
          <C1Grid
            versions={versions.toReversed()}
            names={names}
            answered={answered}
            selected={keyOf(chosen)}
            onSelect={select}
          />
          <Pages
            shown={`${plural(versions.length, "version")} on this page. Each C1 was computed again from the stored bytes just now.`}
            first={place.before === "" ? null : addressOfObject(object)}
            firstTitle="Newest"
            next={older === null ? null : `${addressOfObject(object)}?before=${older}`}
            nextTitle="Older"
          />
        </Section>
      </div>
    </div>
  );
}

function Figures({ history, names }: { history: StateHistory; names: readonly string[] }) {
  const { newest, placement } = history;
  return (
    <dl className="grid grid-cols-2 gap-y-4 border-line border-y py-3 lg:grid-cols-[1fr_1fr_1fr_2fr]">
      <Figure title="Newest verified version">{newest === null ? "–" : formatCount(newest)}</Figure>
      <Figure title="Object cluster" note={placement === null ? undefined : `epoch ${formatCount(placement.epoch)}`}>
        {placement === null ? "–" : placement.cluster}
      </Figure>
      <Figure title="Lease held by">
        {placement === null ? (
          "–"
        ) : (
          <Link href={addressOfServer(placement.holder)} className="underline-offset-2 hover:underline">
            {placement.holder}
          </Link>
        )}
      </Figure>
      <Figure
        title="Kept by"
        note={placement === null ? undefined : `tolerates ${plural(placement.faultsTolerated, "fault")} by design`}
      >
        {names.length === 0 ? (
          "–"
        ) : (
          <span className="flex flex-wrap gap-x-3">
            {names.map((name) => (
              <span key={name} className="whitespace-nowrap">
                {name}
              </span>
            ))}
          </span>
        )}
      </Figure>
    </dl>
  );
}

function Figure({ title, note, children }: { title: string; note?: string | undefined; children: ReactNode }) {
  return (
    <div className="min-w-0 border-line pr-4 even:pl-4 lg:border-l lg:not-first:pl-4 lg:first:border-l-0">
      <dt className="text-ink-faint text-xs">{title}</dt>
      <dd className="min-w-0 break-words font-medium">
        {children}
        {note !== undefined && <span className="block font-normal text-ink-faint text-xs">{note}</span>}
      </dd>
    </div>
  );
}
