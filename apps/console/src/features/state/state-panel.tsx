"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { type FormEvent, useState } from "react";
import { useTRPC } from "@/live/trpc";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { CommandLine } from "@/ui/hash";
import { Empty, PageHeader } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { listInput } from "./inputs";
import { versionTones } from "./version-tones";

export function StatePanel() {
  const prefix = useSearchParams().get("prefix") ?? "";
  const trpc = useTRPC();
  const { data, error } = useQuery({
    ...trpc.state.list.queryOptions(listInput(prefix)),
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader
        title="State"
        sentence="Every object of the application with all its versions: who asked, who executed, who tested, and which replicas agree."
      />
      <Search prefix={prefix} />
      {data === undefined ? (
        <Unavailable error={error} what="the objects" />
      ) : data.length === 0 ? (
        <Empty title={prefix === "" ? "No objects yet" : `No object begins with “${prefix}”`} />
      ) : (
        <Table label="Objects">
          <thead>
            <tr>
              <HeaderCell>Object</HeaderCell>
              <HeaderCell numeric>Versions</HeaderCell>
              <HeaderCell>Newest</HeaderCell>
              <HeaderCell>Since</HeaderCell>
            </tr>
          </thead>
          <tbody>
            {data.map((object) => (
              <Row key={object.object}>
                <RowHeader>
                  <Link
                    href={`/state/${encodeURIComponent(object.object)}`}
                    className="underline-offset-2 hover:underline"
                  >
                    {inert(object.object)}
                  </Link>
                </RowHeader>
                <Cell numeric>{object.versions}</Cell>
                <Cell>
                  <Status tone={versionTones[object.head.status]}>
                    {object.head.number}, epoch {object.head.epoch}, {object.head.status}
                  </Status>
                </Cell>
                <Cell>
                  <Time iso={object.head.at} />
                </Cell>
              </Row>
            ))}
          </tbody>
        </Table>
      )}
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt state show account/1" />
      </div>
    </>
  );
}

/** A whole name opens the object; a beginning of one narrows the list. */
function Search({ prefix }: { prefix: string }) {
  const router = useRouter();
  const [typed, setTyped] = useState(prefix);
  function submit(event: FormEvent) {
    event.preventDefault();
    const wanted = typed.trim();
    window.history.replaceState(null, "", wanted === "" ? "/state" : `/state?prefix=${encodeURIComponent(wanted)}`);
  }
  const isName = /^[a-z][a-z0-9-]*\/.+$/.test(typed.trim());
  return (
    <form onSubmit={submit} className="mb-4 flex items-end gap-2">
      <TextField
        label="Object name or its beginning"
        className="w-72"
        value={typed}
        placeholder="account/1"
        onChange={(event) => setTyped(event.target.value)}
      />
      <Button type="submit">Find</Button>
      <Button look="ghost" disabled={!isName} onClick={() => router.push(`/state/${encodeURIComponent(typed.trim())}`)}>
        Open
      </Button>
    </form>
  );
}
