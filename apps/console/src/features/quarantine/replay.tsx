"use client";
import type { QuarantineItem } from "@/live/types";
import { inert } from "@/text/inert";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import type { Tone } from "@/ui/tone";

type ShadowRun = NonNullable<QuarantineItem["replay"]>;

const outcomeTones: Record<ShadowRun["outcome"], Tone> = {
  "failed again": "bad",
  passed: "good",
  "crashed again": "bad",
  "not run": "idle",
};

/** Block 6: the same request again, in isolation, on the state before it; nothing of it left. */
export function Replay({ run }: { run: ShadowRun | null }) {
  if (run === null) return <p className="text-ink-soft">No shadow run was made for it.</p>;
  return (
    <>
      <Status tone={outcomeTones[run.outcome]} wrap>
        <span className="font-medium">{run.outcome.charAt(0).toUpperCase() + run.outcome.slice(1)}.</span>{" "}
        {inert(run.sentence)}
      </Status>
      {run.stateDifference.length > 0 && (
        <div className="mt-2">
          <Table label="State difference">
            <thead>
              <tr>
                <HeaderCell>Object</HeaderCell>
                <HeaderCell>Field</HeaderCell>
                <HeaderCell>Before</HeaderCell>
                <HeaderCell>After</HeaderCell>
                <HeaderCell>Allowed</HeaderCell>
              </tr>
            </thead>
            <tbody>
              {run.stateDifference.map((change) => (
                <Row key={`${change.object} ${change.field}`}>
                  <RowHeader>{inert(change.object)}</RowHeader>
                  <Cell>{inert(change.field)}</Cell>
                  <Cell className="break-all font-mono text-xs">{inert(change.before)}</Cell>
                  <Cell className="break-all font-mono text-xs">{inert(change.after)}</Cell>
                  <Cell>
                    <Status tone={change.allowed ? "good" : "bad"}>{change.allowed ? "yes" : "no"}</Status>
                  </Cell>
                </Row>
              ))}
            </tbody>
          </Table>
        </div>
      )}
    </>
  );
}
