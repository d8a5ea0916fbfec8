"use client";
/** Every version there was: which serves, which one to go back to, and who deployed each when. */
import type { ApplicationVersion } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Hash } from "@/ui/hash";
import { ProgressBar } from "@/ui/progress";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";

const stateTones: Record<ApplicationVersion["state"], Tone> = {
  loading: "accent",
  current: "good",
  previous: "idle",
  retired: "idle",
};

const stateTitles: Record<ApplicationVersion["state"], string> = {
  loading: "loading",
  current: "serves",
  previous: "one step back",
  retired: "retired",
};

export interface VersionsTableProps {
  versions: readonly ApplicationVersion[];
  current: string;
  selected: string;
  onSelect: (hash: string) => void;
}

export function VersionsTable({ versions, selected, onSelect }: VersionsTableProps) {
  return (
    <Table label="Versions">
      <thead>
        <tr>
          <HeaderCell>Version</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Trial</HeaderCell>
          <HeaderCell>Loaded by</HeaderCell>
          <HeaderCell>Bundle</HeaderCell>
          <HeaderCell>Deployed by</HeaderCell>
          <HeaderCell>Deployed</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <Row
            key={`${version.hash} ${version.deployedAt}`}
            className={version.hash === selected ? "bg-accent-soft" : "hover:bg-hover/60"}
          >
            <RowHeader className="whitespace-nowrap">
              <button
                type="button"
                aria-pressed={version.hash === selected}
                onClick={() => onSelect(version.hash)}
                className="rounded-sm underline-offset-2 hover:underline"
              >
                {inert(version.name)} {formatCount(version.version)}
              </button>
            </RowHeader>
            <Cell>
              <Status tone={stateTones[version.state]}>{stateTitles[version.state]}</Status>
            </Cell>
            <Cell className="min-w-36">
              <Trial version={version} />
            </Cell>
            <Cell className="whitespace-nowrap">
              <Loaded servers={version.servers} />
            </Cell>
            <Cell>
              <Hash value={version.hash} />
            </Cell>
            <Cell className="whitespace-nowrap">{inert(version.deployedBy)}</Cell>
            <Cell>
              <Time iso={version.deployedAt} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function Trial({ version: { trial, state, version } }: { version: ApplicationVersion }) {
  if (trial === null) return <span className="text-ink-faint">{state === "current" ? "none under way" : "–"}</span>;
  return (
    <span className="flex items-center gap-2">
      <span className="w-16">
        <ProgressBar label={`Trial of version ${version}`} done={trial.requests} total={trial.of} />
      </span>
      <span className="whitespace-nowrap text-xs">
        {formatCount(trial.requests)} of {formatCount(trial.of)} requests
      </span>
    </span>
  );
}

function Loaded({ servers: { loaded, of } }: Pick<ApplicationVersion, "servers">) {
  if (of === 0) return <span className="text-ink-faint">–</span>;
  return (
    <Status tone={loaded === of ? "good" : "warn"}>
      {formatCount(loaded)} of {formatCount(of)} servers
    </Status>
  );
}
