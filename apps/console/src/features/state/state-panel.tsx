"use client";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useCallback } from "react";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { CommandLine } from "@/ui/hash";
import { PageHeader } from "@/ui/page";
import { ObjectsList } from "./objects-list";
import { addressOf, commandOf, noSearch, readSearch, type Search } from "./search";
import { VersionsList } from "./versions-list";

export function StatePanel() {
  const search = readSearch(new URLSearchParams(useSearchParams().toString()));
  // Next follows the address without asking the server for the page again; the lists ask for themselves.
  const change = useCallback((next: Search) => {
    window.history.replaceState(null, "", addressOf(next));
  }, []);
  return (
    <>
      <PageHeader
        title="State"
        sentence="Every object of the application with all its versions: who asked, who executed, who tested, and which replicas agree."
      />
      <Kinds search={search} onClear={() => change({ ...noSearch, show: search.show })} />
      {search.show === "objects" ? (
        <ObjectsList search={search} onChange={change} />
      ) : (
        <VersionsList search={search} onChange={change} />
      )}
      <div className="mt-6 max-w-xl">
        <CommandLine command={commandOf(search)} />
      </div>
    </>
  );
}

const kinds = [
  { show: "objects", title: "Objects" },
  { show: "versions", title: "Versions" },
] as const;

function Kinds({ search, onClear }: { search: Search; onClear: () => void }) {
  const { show } = search;
  const isFiltered = addressOf(search) !== addressOf({ ...noSearch, show });
  return (
    <div className="mb-4 flex items-end justify-between gap-4 border-line border-b">
      <nav aria-label="What to find" className="flex gap-5">
        {kinds.map((kind) => (
          <Link
            key={kind.show}
            href={addressOf({ ...noSearch, show: kind.show })}
            aria-current={kind.show === show ? "page" : undefined}
            className={classes(
              "-mb-px flex h-9 items-center border-b-2 px-0.5",
              kind.show === show
                ? "border-accent font-medium text-ink"
                : "border-transparent text-ink-soft hover:text-ink",
            )}
          >
            {kind.title}
          </Link>
        ))}
      </nav>
      {isFiltered && (
        <Button look="ghost" size="sm" className="mb-1" onClick={onClear}>
          Clear filters
        </Button>
      )}
    </div>
  );
}
