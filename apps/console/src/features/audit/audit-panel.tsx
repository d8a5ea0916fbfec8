"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { Answers } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { CommandLine, Hash } from "@/ui/hash";
import { Empty, PageHeader } from "@/ui/page";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { auditInput } from "./inputs";

type AuditEntry = Answers["audit"]["list"]["entries"][number];

export function AuditPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery(trpc.audit.list.queryOptions(auditInput));
  const verify = useMutation(trpc.audit.verify.mutationOptions());
  return (
    <>
      <PageHeader
        title="Audit"
        sentence="Every administrator action that changes something, written before it takes effect. Entries form a chain; none can be changed or removed here."
        actions={
          <Button disabled={verify.isPending} onClick={() => verify.mutate()}>
            {verify.isPending ? "Verifying…" : "Verify"}
          </Button>
        }
      />
      {verify.isError && <Banner tone="bad" title={problemOf(verify.error).sentence} urgent className="mb-4" />}
      {verify.data !== undefined && (
        <Banner
          tone={verify.data.intact ? "good" : "bad"}
          title={verify.data.sentence}
          urgent={!verify.data.intact}
          className="mb-4"
        />
      )}
      {data === undefined ? (
        <Unavailable error={error} what="the audit log" />
      ) : data.entries.length === 0 ? (
        <Empty title="Nobody has changed anything yet" />
      ) : (
        <>
          <AuditTable entries={data.entries} />
          <p className="mt-2 text-ink-faint text-xs">
            {formatCount(data.total)} entries in all, the newest {formatCount(data.entries.length)} are shown.
          </p>
        </>
      )}
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt audit verify" />
      </div>
    </>
  );
}

function AuditTable({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <Table label="Audit log">
      <thead>
        <tr>
          <HeaderCell numeric>Entry</HeaderCell>
          <HeaderCell>At</HeaderCell>
          <HeaderCell>Who</HeaderCell>
          <HeaderCell>Action</HeaderCell>
          <HeaderCell>On</HeaderCell>
          <HeaderCell>Reason</HeaderCell>
          <HeaderCell>Chain</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row key={entry.number}>
            <Cell numeric>{entry.number}</Cell>
            <Cell>
              <Time iso={entry.at} />
            </Cell>
            <Cell>
              {inert(entry.actor)}
              <span className="block text-2xs text-ink-faint leading-[14px]">
                {entry.role}, {entry.via === "local" ? "command line" : "console"}
              </span>
            </Cell>
            <RowHeader className="font-mono text-xs">{entry.action}</RowHeader>
            <Cell className="max-w-64 truncate font-mono text-xs" title={inert(entry.detail)}>
              {inert(entry.subject)}
            </Cell>
            <Cell className="max-w-80 break-words">{entry.reason === null ? "" : inert(entry.reason)}</Cell>
            <Cell>
              <Hash value={entry.hash} digits={8} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
