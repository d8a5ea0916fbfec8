"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useState } from "react";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { LogPage } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { TextField } from "@/ui/field";
import { CommandLine, Hash } from "@/ui/hash";
import { Empty, PageHeader } from "@/ui/page";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { type LogName, logInput, logs, readLogName } from "./log";
import { useFind } from "./use-find";

export function RequestsPanel() {
  const trpc = useTRPC();
  const log = readLogName(useSearchParams().get("log"));
  const { data, error, dataUpdatedAt } = useQuery({
    ...trpc.requests.log.queryOptions(logInput(log)),
    refetchInterval: beatMs,
    placeholderData: keepPreviousData,
  });
  const { sentence } = logs.find((each) => each.log === log) ?? logs[0];
  return (
    <>
      <PageHeader
        title="Requests"
        sentence="The newest requests of each of the regulator's logs. Each opens with every hop, verdict and version."
        actions={
          data !== undefined && (
            <span className="text-ink-faint text-xs">
              <AsOf iso={new Date(dataUpdatedAt).toISOString()} />
            </span>
          )
        }
      />
      <Find />
      <Logs current={log} />
      {data === undefined || data.log !== log ? (
        <Unavailable error={error} what="the log" />
      ) : (
        <>
          <p className="mb-2 text-ink-soft text-xs">
            {sentence} {formatCount(data.total)} in all
            {data.total > data.entries.length && `, the newest ${formatCount(data.entries.length)} here`}.
          </p>
          <LogTable page={data} />
        </>
      )}
      <div className="mt-6 max-w-xl">
        <CommandLine command={`npx redoubt log ${log}`} />
      </div>
    </>
  );
}

function Find() {
  const { fault, find, clear } = useFind();
  const [typed, setTyped] = useState("");
  return (
    <search className="mb-4 max-w-xl">
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          find(typed);
        }}
      >
        <TextField
          label="Request id or its beginning"
          value={typed}
          error={fault ?? undefined}
          onChange={(event) => {
            setTyped(event.target.value);
            clear();
          }}
          className="min-w-0 flex-1"
        />
        <Button type="submit" className={fault === null ? "" : "mb-[21px]"}>
          Find
        </Button>
      </form>
    </search>
  );
}

function Logs({ current }: { current: LogName }) {
  return (
    <nav aria-label="Logs" className="mb-3 flex gap-5 border-line border-b">
      {logs.map(({ log, title }) => (
        <Link
          key={log}
          href={`/requests?log=${log}`}
          aria-current={log === current ? "page" : undefined}
          className={classes(
            "-mb-px flex h-9 items-center border-b-2 px-0.5",
            log === current ? "border-accent font-medium text-ink" : "border-transparent text-ink-soft hover:text-ink",
          )}
        >
          {title}
        </Link>
      ))}
    </nav>
  );
}

const nothing: Record<LogName, string> = {
  L1: "Nothing was quarantined, and nothing refused at the door.",
  L2: "No request has been answered yet.",
  L3: "Nothing waits: every admitted request has its answer.",
};

function LogTable({ page }: { page: LogPage }) {
  const [frozen, setFrozen] = useState<LogPage | null>(null);
  // Rows do not move away under the pointer.
  const { log, entries } = frozen?.log === page.log ? frozen : page;
  if (entries.length === 0) return <Empty title={nothing[log]} />;
  return (
    <Table label="Requests" onPresence={(present) => setFrozen(present ? page : null)}>
      <thead>
        <tr>
          <HeaderCell>Request</HeaderCell>
          <HeaderCell>Operation</HeaderCell>
          <HeaderCell>Client</HeaderCell>
          {log !== "L2" && <HeaderCell>Host</HeaderCell>}
          <HeaderCell numeric>Status</HeaderCell>
          <HeaderCell>Outcome</HeaderCell>
          <HeaderCell>At</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ number, requestId, operation, client, host, replyStatus, outcome, at }) => (
          <Row key={requestId ?? `${number} ${at}`} className="hover:bg-hover/60">
            <RowHeader className="whitespace-nowrap">
              {requestId === null ? (
                <span className="font-normal text-ink-faint">none</span>
              ) : (
                <Link href={`/requests/${requestId}`} className="underline-offset-2 hover:underline">
                  <Hash value={requestId} digits={12} />
                </Link>
              )}
            </RowHeader>
            <Cell className="whitespace-nowrap">{operation === null ? "–" : inert(operation)}</Cell>
            <Cell className="whitespace-nowrap">{client === null ? "–" : inert(client)}</Cell>
            {/* Verified requests are kept without it. */}
            {log !== "L2" && <Cell className="font-mono text-xs">{inert(host)}</Cell>}
            <Cell numeric>{replyStatus ?? <span className="text-ink-faint">–</span>}</Cell>
            <Cell className="min-w-40 text-ink-soft">{inert(outcome)}</Cell>
            <Cell>
              <Time iso={at} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
