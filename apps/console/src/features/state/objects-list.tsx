"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { Answers } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Hash } from "@/ui/hash";
import { Empty } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Ago, Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { Pages } from "./pages";
import { addressOf, addressOfObject, addressOfRequest, isObjectName, objectsInput, type Search } from "./search";
import { versionTones } from "./version-tones";

export interface ListProps {
  search: Search;
  onChange: (search: Search) => void;
}

export function ObjectsList({ search, onChange }: ListProps) {
  const trpc = useTRPC();
  const input = objectsInput(search);
  const { data, error } = useQuery({
    ...trpc.state.list.queryOptions(input),
    refetchInterval: beatMs,
    placeholderData: keepPreviousData,
  });
  const last = data?.at(-1);
  const more = last !== undefined && data?.length === input.limit;
  return (
    <>
      <Find key={search.prefix} search={search} onChange={onChange} />
      {data === undefined ? (
        <Unavailable error={error} what="the objects" />
      ) : data.length === 0 ? (
        <Nothing search={search} />
      ) : (
        <>
          <ObjectsTable objects={data} />
          <Pages
            shown={`${formatCount(data.length)} ${data.length === 1 ? "object" : "objects"}${more || search.after !== "" ? " on this page" : ""}, by name.`}
            first={search.after === "" ? null : addressOf({ ...search, after: "" })}
            next={more ? addressOf({ ...search, after: last.object }) : null}
            nextTitle="Next page"
          />
        </>
      )}
    </>
  );
}

/** A whole name opens the object; a beginning of one narrows the list. */
function Find({ search, onChange }: ListProps) {
  const router = useRouter();
  const [typed, setTyped] = useState(search.prefix);
  const wanted = typed.trim();
  function submit(event: FormEvent) {
    event.preventDefault();
    onChange({ ...search, prefix: wanted, after: "" });
  }
  return (
    <form onSubmit={submit} className="mb-4 flex flex-wrap items-end gap-2">
      <TextField
        label="Object name or its beginning"
        className="w-full sm:w-80"
        value={typed}
        placeholder="account/1"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setTyped(event.target.value)}
      />
      <Button type="submit">Find</Button>
      <Button look="ghost" disabled={!isObjectName(wanted)} onClick={() => router.push(addressOfObject(wanted))}>
        Open
      </Button>
    </form>
  );
}

function Nothing({ search }: { search: Search }) {
  if (search.after !== "") return <Empty title="No more objects">This was the last page.</Empty>;
  if (search.prefix === "")
    return <Empty title="No objects yet">The application's first objects appear here once they are verified.</Empty>;
  return (
    <Empty title={`No object begins with “${inert(search.prefix)}”`}>
      Names have the form type/key, such as account/1. Capitals and small letters differ.
    </Empty>
  );
}

function ObjectsTable({ objects }: { objects: Answers["state"]["list"] }) {
  return (
    <Table label="Objects">
      <thead>
        <tr>
          <HeaderCell>Object</HeaderCell>
          <HeaderCell numeric>Versions</HeaderCell>
          <HeaderCell>Newest</HeaderCell>
          <HeaderCell numeric>Epoch</HeaderCell>
          <HeaderCell>Made by request</HeaderCell>
          <HeaderCell>Decided</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {objects.map(({ object, versions, head }) => (
          <Row key={object} className="hover:bg-hover/60">
            <RowHeader className="max-w-80 truncate">
              <Link href={addressOfObject(object)} className="underline-offset-2 hover:underline">
                {inert(object)}
              </Link>
            </RowHeader>
            <Cell numeric>{formatCount(versions)}</Cell>
            <Cell>
              <Status tone={versionTones[head.status]}>{head.status}</Status>
            </Cell>
            <Cell numeric>{formatCount(head.epoch)}</Cell>
            <Cell>
              <Link href={addressOfRequest(head.requestId)} className="underline-offset-2 hover:underline">
                <Hash value={head.requestId} />
              </Link>
            </Cell>
            <Cell className="whitespace-nowrap">
              <Time iso={head.at} /> <Ago iso={head.at} className="ml-1.5 text-ink-faint text-xs" />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
