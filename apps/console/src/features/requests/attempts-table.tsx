"use client";
/** Every attempt and shadow run with what each tester said of it. */
import Link from "next/link";
import { addressOfServer } from "@/features/state/search";
import type { RequestHistory } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Empty } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import type { Tone } from "@/ui/tone";
import { formatMs } from "./timeline";
import { hopTones } from "./words";

type Attempt = RequestHistory["attempts"][number];
type Test = RequestHistory["tests"][number];

const verdictTones: Record<Test["verdict"], Tone> = { passed: "good", failed: "bad", "could not run": "warn" };

export function AttemptsTable({ attempts, tests }: Pick<RequestHistory, "attempts" | "tests">) {
  if (attempts.length === 0)
    return <Empty title="It was never executed">What is refused at the door reaches no execution server.</Empty>;
  return (
    <Table label="Attempts">
      <thead>
        <tr>
          <HeaderCell>Attempt</HeaderCell>
          <HeaderCell>Executed by</HeaderCell>
          <HeaderCell numeric>After</HeaderCell>
          <HeaderCell>Verdicts</HeaderCell>
          <HeaderCell>What became of it</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <AttemptRow
            key={attempt.number}
            attempt={attempt}
            tests={tests.filter((test) => test.attempt === attempt.number)}
          />
        ))}
      </tbody>
    </Table>
  );
}

function AttemptRow({ attempt, tests }: { attempt: Attempt; tests: readonly Test[] }) {
  const { number, kind, executionServer, ms, epoch, alone, outcome, tone, failure, testers } = attempt;
  const silent = testers.filter((tester) => tests.every(({ server }) => server !== tester));
  return (
    <Row className="align-top">
      <RowHeader className="whitespace-nowrap">
        {kind === "shadow run" ? `Shadow run ${number}` : number}
        {epoch !== null && <span className="block font-normal text-ink-faint text-xs">epoch {formatCount(epoch)}</span>}
      </RowHeader>
      <Cell className="whitespace-nowrap">
        <Link href={addressOfServer(executionServer)} className="underline-offset-2 hover:underline">
          {executionServer}
        </Link>
        {alone && <span className="block text-ink-faint text-xs">in a worker of its own</span>}
      </Cell>
      <Cell numeric className="whitespace-nowrap">
        {ms === null ? <span className="text-ink-faint">not known</span> : formatMs(ms)}
      </Cell>
      <Cell>
        <ul className="flex flex-col">
          {tests.map(({ server, verdict }) => (
            <li key={server}>
              <Status tone={verdictTones[verdict]}>
                {server} {verdict}
              </Status>
            </li>
          ))}
          {silent.map((server) => (
            <li key={server}>
              <Status tone="idle">
                {server} {outcome === "under way" ? "not heard yet" : "not awaited"}
              </Status>
            </li>
          ))}
        </ul>
      </Cell>
      <Cell className="min-w-40">
        <Status tone={hopTones[tone]} wrap>
          {inert(outcome)}
        </Status>
        {failure !== null && failure.detail !== "" && (
          <span className="block break-words text-ink-soft text-xs">{inert(failure.detail)}</span>
        )}
      </Cell>
    </Row>
  );
}
