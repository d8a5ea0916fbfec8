"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { FoundVersion } from "@/live/types";
import { formatCount, plural } from "@/text/format";
import { inert } from "@/text/inert";
import { useHydrated } from "@/ui/clock";
import { SelectField, TextField } from "@/ui/field";
import { Hash } from "@/ui/hash";
import { Empty } from "@/ui/page";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { TypedFilter } from "@/ui/typed-filter";
import { Unavailable } from "@/ui/unavailable";
import type { ListProps } from "./objects-list";
import { Pages } from "./pages";
import { RequestSummary } from "./request-summary";
import {
  addressOf,
  addressOfObject,
  addressOfRequest,
  fromLocalField,
  isRequestId,
  toLocalField,
  versionsInput,
} from "./search";

export function VersionsList({ search, onChange }: ListProps) {
  const trpc = useTRPC();
  const { data, error } = useQuery({
    ...trpc.state.versions.queryOptions(versionsInput(search)),
    refetchInterval: beatMs,
    placeholderData: keepPreviousData,
  });
  const [frozen, setFrozen] = useState<readonly FoundVersion[] | null>(null);
  const rows = frozen ?? data?.versions;
  return (
    <>
      <Filters search={search} onChange={onChange} />
      {search.request !== "" && <RequestSummary requestId={search.request} />}
      {data === undefined || rows === undefined ? (
        <Unavailable error={error} what="the versions" />
      ) : rows.length === 0 ? (
        <Nothing isRequest={search.request !== ""} keptFrom={data.keptFrom} />
      ) : (
        <>
          <VersionsTable versions={rows} onPresence={(present) => setFrozen(present ? data.versions : null)} />
          <Pages
            shown={`${plural(rows.length, "version")}, newest first.${frozen === null ? "" : " Held still while you are in the table."}`}
            first={search.before === "" ? null : addressOf({ ...search, before: "" })}
            firstTitle="Newest"
            next={data.next === null ? null : addressOf({ ...search, before: data.next })}
            nextTitle="Older"
          />
          {data.next === null && data.keptFrom !== null && <Window keptFrom={data.keptFrom} />}
        </>
      )}
    </>
  );
}

/** Said where a search ends, lest what is not kept is taken for what never was. */
function Window({ keptFrom }: { keptFrom: string }) {
  return (
    <p className="mt-2 text-ink-soft">
      Nothing older than the retention window is found: the masters keep every version since <Time iso={keptFrom} />.
    </p>
  );
}

function Filters({ search, onChange }: ListProps) {
  const trpc = useTRPC();
  const { data: status } = useQuery(trpc.cluster.status.queryOptions());
  const hydrated = useHydrated();
  const running = (status?.nodes ?? [])
    .flatMap(({ servers }) => servers)
    .filter(({ component }) => component === "execution-server")
    .map(({ name }) => name);
  // A server that runs no more has left its versions behind.
  const servers = [...new Set([...running, ...(search.server === "" ? [] : [search.server])])].sort((one, other) =>
    one.localeCompare(other, "en", { numeric: true }),
  );
  const filter = (part: Partial<typeof search>) => onChange({ ...search, ...part, before: "" });
  const time = (label: string, name: "from" | "to") => (
    <TextField
      label={label}
      type="datetime-local"
      value={hydrated ? toLocalField(search[name]) : ""}
      onChange={(event) => filter({ [name]: fromLocalField(event.target.value) })}
    />
  );
  return (
    <search className="mb-4 grid grid-cols-1 items-start gap-3 sm:grid-cols-2 lg:grid-cols-[minmax(0,2fr)_repeat(3,minmax(0,1fr))]">
      <TypedFilter
        label="Request id"
        value={search.request}
        onSettle={(request) => filter({ request: request.toLowerCase() })}
        faultOf={(typed) => (isRequestId(typed.toLowerCase()) ? null : "All 64 hex digits of the id, please.")}
      />
      <SelectField
        label="Execution server"
        value={search.server}
        onChange={(event) => filter({ server: event.target.value })}
        options={[{ value: "", label: "Any" }, ...servers.map((server) => ({ value: server, label: server }))]}
      />
      {time("Decided from", "from")}
      {time("Until", "to")}
    </search>
  );
}

function Nothing({ isRequest, keptFrom }: { isRequest: boolean; keptFrom: string | null }) {
  const window = keptFrom !== null && <Window keptFrom={keptFrom} />;
  if (isRequest)
    return (
      <Empty title="This request has made no verified version">
        A request that only reads, is refused by the application, or was quarantined changes nothing.
        {window}
      </Empty>
    );
  return (
    <Empty title="No version matches">
      New versions that match appear here by themselves as they are verified.
      {window}
    </Empty>
  );
}

interface VersionsTableProps {
  versions: readonly FoundVersion[];
  onPresence: (present: boolean) => void;
}

function VersionsTable({ versions, onPresence }: VersionsTableProps) {
  return (
    <Table label="Versions" onPresence={onPresence}>
      <thead>
        <tr>
          <HeaderCell>Object</HeaderCell>
          <HeaderCell numeric>Version</HeaderCell>
          <HeaderCell numeric>Epoch</HeaderCell>
          <HeaderCell>Request</HeaderCell>
          <HeaderCell>Executed by</HeaderCell>
          <HeaderCell>Tested by</HeaderCell>
          <HeaderCell>C1</HeaderCell>
          <HeaderCell numeric>Slot</HeaderCell>
          <HeaderCell>Decided</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <Row key={`${version.object} ${version.number}.${version.epoch}`} className="hover:bg-hover/60">
            <RowHeader className="max-w-64 truncate">
              <Link href={addressOfObject(version.object, version)} className="underline-offset-2 hover:underline">
                {inert(version.object)}
              </Link>
            </RowHeader>
            <Cell numeric>{formatCount(version.number)}</Cell>
            <Cell numeric>{formatCount(version.epoch)}</Cell>
            <Cell>
              <Link href={addressOfRequest(version.requestId)} className="underline-offset-2 hover:underline">
                <Hash value={version.requestId} />
              </Link>
            </Cell>
            <Cell className="whitespace-nowrap">{version.executionServer}</Cell>
            <Cell className="whitespace-nowrap text-ink-soft">{version.testers.join(", ")}</Cell>
            <Cell>
              <Hash value={version.c1} digits={8} />
            </Cell>
            <Cell numeric>{formatCount(version.slot)}</Cell>
            <Cell>
              <Time iso={version.at} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
