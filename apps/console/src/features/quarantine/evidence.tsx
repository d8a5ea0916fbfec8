"use client";
/** Evidence blocks 2 to 6 of a quarantined request, in the order in which somebody judges it. */
import Link from "next/link";
import type { QuarantineItem } from "@/live/types";
import { formatBytes, formatCount, plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Facts } from "@/ui/facts";
import { Hash } from "@/ui/hash";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";

export function RequestFacts({ item }: { item: QuarantineItem }) {
  const { request } = item;
  return (
    <>
      <Facts
        wide
        facts={[
          ["Request id", <Hash key="id" value={item.requestId} digits={24} />],
          ["Received", <Time key="at" iso={request.receivedAt} />],
          [
            "Route",
            <span key="route" className="font-mono text-xs">
              {inert(`${request.method} ${request.route}`)}
            </span>,
          ],
          ["Size", `${formatBytes(request.sizeBytes)}, ${inert(request.contentType)}`],
          ["Client", inert(request.principal)],
          [
            "Host",
            <span key="host" className="font-mono text-xs">
              {inert(request.host)}
            </span>,
          ],
          ["Idempotency key", request.idempotencyKey === null ? "none given" : inert(request.idempotencyKey)],
          ["In its session", request.sequence === null ? "not known" : `request ${formatCount(request.sequence)}`],
        ]}
      />
      {request.hostNote !== null && (
        <Status tone="warn" className="mt-2" wrap>
          {inert(request.hostNote)}
        </Status>
      )}
    </>
  );
}

const versionTones: Record<"pending" | "verified" | "invalid", Tone> = {
  pending: "accent",
  verified: "good",
  invalid: "bad",
};

export function WhatItDid({ item }: { item: QuarantineItem }) {
  const { did } = item;
  if (did.executionServer === null) return <p className="text-ink-soft">It was never executed.</p>;
  return (
    <>
      <p className="mb-2">
        Executed by {did.executionServer}, {plural(did.attempts, "attempt")}. Its reply
        {did.reply.status === null ? "" : ` (${did.reply.status})`} was{" "}
        <strong className="font-medium">{did.reply.released ? "released" : "withheld"}</strong>.
      </p>
      {did.reply.leakFindings.map((finding) => (
        <Status key={finding} tone="bad" className="mb-2" wrap>
          Leak: {inert(finding)}
        </Status>
      ))}
      {did.objects.length > 0 && <ObjectsTable item={item} />}
    </>
  );
}

function ObjectsTable({ item }: { item: QuarantineItem }) {
  return (
    <Table label="Objects touched">
      <thead>
        <tr>
          <HeaderCell>Object</HeaderCell>
          <HeaderCell>Access</HeaderCell>
          <HeaderCell>Version</HeaderCell>
          <HeaderCell>C1 per replica</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {item.did.objects.map((object) => (
          <Row key={`${object.object} ${object.mode}`}>
            <RowHeader>
              <Link href={`/state/${encodeURIComponent(object.object)}`} className="underline-offset-2 hover:underline">
                {inert(object.object)}
              </Link>
            </RowHeader>
            <Cell>
              <Status tone={object.allowed ? "good" : "bad"}>
                {object.mode}, {object.allowed ? "declared" : "not declared"}
              </Status>
            </Cell>
            <Cell>
              {object.versions.length === 0 && <span className="text-ink-faint">none stored</span>}
              {object.versions.map((version) => (
                <Status key={`${version.number}.${version.epoch}`} tone={versionTones[version.status]}>
                  {version.number}, epoch {version.epoch}, {version.status}
                </Status>
              ))}
            </Cell>
            <Cell>
              {object.versions.map((version) => (
                <span key={`${version.number}.${version.epoch}`} className="flex flex-wrap gap-x-3">
                  {version.c1.map(({ server, c1 }) => (
                    <span key={server} className="whitespace-nowrap">
                      <span className="text-ink-faint text-xs">{server}</span> <Hash value={c1} digits={8} />
                    </span>
                  ))}
                </span>
              ))}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

export function Confidence({ item }: { item: QuarantineItem }) {
  const { confidence } = item;
  const yesNo = (value: boolean | null) => (value === null ? "not known" : value ? "yes" : "no");
  return (
    <>
      <p className="mb-2">{inert(confidence.sentence)}</p>
      <Facts
        wide
        facts={[
          ["Other failures of its server", plural(confidence.executionServerFailures, "failure")],
          ["Cluster overloaded then", yesNo(confidence.overloaded)],
          ["Accepted elsewhere", yesNo(confidence.acceptedElsewhere)],
          [
            "Intrusion alerts ±5 min",
            confidence.intrusionAlerts === null ? "not known" : formatCount(confidence.intrusionAlerts),
          ],
        ]}
      />
    </>
  );
}

export function History({ item }: { item: QuarantineItem }) {
  const { history } = item;
  return (
    <>
      <p className="mb-2">
        In 30 days: {plural(history.sameSignature, "request")} with the same signature, {formatCount(history.sameHost)}{" "}
        from the same host, {formatCount(history.sameClient)} of the same client.
      </p>
      {history.similar.length > 0 && (
        <ul className="flex flex-col gap-1">
          {history.similar.map((similar) => (
            <li key={similar.requestId} className="flex flex-wrap items-center gap-x-3">
              <Status tone={similar.log === "L2" ? "good" : "bad"}>{similar.log}</Status>
              <span>{similar.relation}</span>
              {similar.log === "L1" ? (
                <Link
                  href={`/quarantine/${similar.requestId}`}
                  className="text-accent underline-offset-2 hover:underline"
                >
                  <Hash value={similar.requestId} />
                </Link>
              ) : (
                <Link
                  href={`/requests/${similar.requestId}`}
                  className="text-accent underline-offset-2 hover:underline"
                >
                  <Hash value={similar.requestId} />
                </Link>
              )}
              <span className="text-ink-soft">{inert(similar.outcome)}</span>
              <Time iso={similar.at} className="text-ink-faint text-xs" />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
