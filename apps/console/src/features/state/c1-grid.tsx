"use client";
/** Version × replica: what each stores. Agreement is quiet; what differs stands out by ground, icon and word. */
import { Minus, Wrench } from "lucide-react";
import type { StateVersion } from "@/live/types";
import { formatCount } from "@/text/format";
import { classes } from "@/ui/classes";
import { Hash } from "@/ui/hash";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { type Copy, copiesOf } from "./divergence";
import { keyOf, versionTones } from "./version-tones";

export interface C1GridProps {
  /** Newest first. */
  versions: readonly StateVersion[];
  names: readonly string[];
  answered: ReadonlySet<string>;
  selected: string;
  onSelect: (key: string) => void;
}

export function C1Grid({ versions, names, answered, selected, onSelect }: C1GridProps) {
  return (
    <Table label="C1 per replica">
      <thead>
        <tr>
          <HeaderCell>Version</HeaderCell>
          <HeaderCell>Status</HeaderCell>
          {names.map((name) => (
            <HeaderCell key={name}>{name}</HeaderCell>
          ))}
          <HeaderCell>C2</HeaderCell>
          <HeaderCell>Decided</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <Row key={keyOf(version)} className={keyOf(version) === selected ? "bg-accent-soft" : "hover:bg-hover/60"}>
            <RowHeader className="whitespace-nowrap">
              <button
                type="button"
                aria-pressed={keyOf(version) === selected}
                onClick={() => onSelect(keyOf(version))}
                className="rounded-sm underline-offset-2 hover:underline"
              >
                {formatCount(version.number)}{" "}
                <span className="font-normal text-ink-faint">epoch {formatCount(version.epoch)}</span>
              </button>
            </RowHeader>
            <Cell>
              <Status tone={versionTones[version.status]}>{version.status}</Status>
            </Cell>
            {copiesOf(version, names, answered).map((copy) => (
              <CopyCell key={copy.server} copy={copy} isExpected={version.status === "verified"} />
            ))}
            <Cell>
              {version.c2 === null ? (
                <span className="text-ink-faint">none</span>
              ) : (
                <Hash value={version.c2} digits={6} />
              )}
            </Cell>
            <Cell className="whitespace-nowrap">
              {version.slot === null ? <span className="text-ink-faint">not decided</span> : <Time iso={version.at} />}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

/** `isExpected`: every member should have this version. */
function CopyCell({ copy, isExpected }: { copy: Copy; isExpected: boolean }) {
  if (copy.state === "silent")
    return (
      <Cell>
        <Status tone="idle">no answer</Status>
      </Cell>
    );
  if (copy.state === "unread")
    return (
      <Cell>
        <Status tone="warn">behind damage</Status>
      </Cell>
    );
  if (copy.c1 === null && copy.state === "absent")
    return (
      <Cell>
        {isExpected ? (
          <Status tone="warn">not there yet</Status>
        ) : (
          <span className="inline-flex items-center gap-1.5 text-ink-faint">
            <Minus aria-hidden className="size-3.5" />
            not there
          </span>
        )}
      </Cell>
    );
  const isWrong = copy.state === "differs" || copy.state === "corrupt";
  return (
    <Cell className={classes("whitespace-nowrap", isWrong && "bg-bad-soft shadow-[inset_0_0_0_1px_var(--bad-mark)]")}>
      <Status tone={isWrong ? "bad" : "good"}>
        {copy.c1 !== null && (
          <Hash value={copy.c1} digits={6} className={isWrong ? "mr-1.5 font-semibold" : "text-ink-soft"} />
        )}
        {isWrong && <span className="font-medium">{copy.state}</span>}
        {copy.state === "repaired" && (
          <span className="ml-1.5 text-accent">
            <Wrench aria-hidden className="mr-1 inline size-3 align-[-1px]" />
            repaired
          </span>
        )}
      </Status>
    </Cell>
  );
}
