"use client";
/** One farm of the paper's Figure 1: its servers, each with the node it runs on, and what the farm still tolerates. */
import type { FeedComponent, ServerState } from "@redoubt/shared";
import type { ReactNode } from "react";
import { serverStateTones } from "@/features/nodes/node-tones";
import { classes } from "@/ui/classes";
import { ToneIcon } from "@/ui/status";
import type { Tone } from "@/ui/tone";
import { type Degree, toleranceOf } from "../tolerance";

export interface FarmServer {
  name: string;
  node: string;
  state: ServerState;
  role: string;
  pid: number | null;
}

export interface FarmProps {
  component: FeedComponent;
  title: string;
  servers: readonly FarmServer[];
  degree: Degree | undefined;
  stale: boolean;
  /** In the narrow column of the drawing. */
  narrow: boolean;
  children?: ReactNode;
}

export function Farm({ component, title, servers, degree, stale, narrow, children }: FarmProps) {
  const tolerance = degree === undefined ? null : toleranceOf(component, degree);
  const tone: Tone = stale || tolerance === null ? "idle" : tolerance.tone;
  const alarmed = tone === "bad" || tone === "warn";
  return (
    <div
      className={classes(
        "min-w-0 rounded-md border bg-surface p-2.5",
        tone === "bad" ? "border-bad-mark" : tone === "warn" ? "border-warn-mark" : "border-line-strong",
      )}
    >
      <div className="mb-2 flex flex-wrap items-baseline justify-between gap-x-3">
        <h3 className="font-medium text-xs">{title}</h3>
        {degree !== undefined && (
          <span className={classes("text-2xs", alarmed ? "text-ink" : "text-ink-faint")}>
            {degree.live} of {degree.wanted}
            {alarmed && tolerance !== null && <span>, {tolerance.sentence}</span>}
          </span>
        )}
      </div>
      <ul
        className={classes(
          "grid gap-1.5",
          narrow ? "grid-cols-[repeat(auto-fill,minmax(76px,1fr))]" : "grid-cols-[repeat(auto-fill,minmax(98px,1fr))]",
        )}
      >
        {servers.map((server) => (
          <ServerChip key={server.name} server={server} stale={stale} narrow={narrow} />
        ))}
      </ul>
      {children}
    </div>
  );
}

interface ServerChipProps {
  server: FarmServer;
  stale: boolean;
  narrow: boolean;
}

function ServerChip({ server, stale, narrow }: ServerChipProps) {
  const tone = stale ? "idle" : serverStateTones[server.state];
  const number = server.name.slice(server.name.lastIndexOf("-") + 1);
  const state = stale ? "stale" : server.state;
  return (
    <li
      title={`${server.name} on ${server.node}, ${state}, ${server.role}${server.pid === null ? "" : `, process ${server.pid}`}`}
      className={classes(
        "flex min-w-0 items-center gap-1.5 rounded-sm px-1.5 py-1",
        tone === "bad" ? "bg-bad-soft" : tone === "warn" ? "bg-warn-soft" : "bg-sunken",
      )}
    >
      <ToneIcon tone={tone} />
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline justify-between gap-1.5 text-xs leading-4">
          <span className="font-medium">{number}</span>
          {!narrow && <span className="truncate text-2xs text-ink-faint">{server.node}</span>}
        </span>
        <span className="block truncate text-2xs text-ink-faint leading-[13px]">
          {server.state !== "up" ? server.state : narrow ? server.node : server.role}
        </span>
      </span>
      <span className="sr-only">{state}</span>
    </li>
  );
}
