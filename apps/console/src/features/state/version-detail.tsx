"use client";
/** Where a version comes from: who asked, who executed, who tested, when it was decided, and who stores it. */
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTRPC } from "@/live/trpc";
import type { StateVersion } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { type Fact, Facts } from "@/ui/facts";
import { CopyButton, Hash } from "@/ui/hash";
import { Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import { type Copy, isWrong, sentenceOf } from "./divergence";
import { addressOfObject, addressOfRequest, addressOfServer } from "./search";
import { keyOf, statusSentences, versionTones } from "./version-tones";

const link = "text-accent underline-offset-2 hover:underline";

export interface VersionDetailProps {
  object: string;
  version: StateVersion;
  copies: readonly Copy[];
  /** Address of the page that shows the parent; null when this one does. */
  parentPage: string | null;
  onSelect: (key: string) => void;
}

export function VersionDetail({ object, version, copies, parentPage, onSelect }: VersionDetailProps) {
  return (
    <Section
      id="version"
      title={`Version ${formatCount(version.number)}`}
      aside={`epoch ${formatCount(version.epoch)}`}
      className="rounded-md border border-line bg-surface p-4"
    >
      <Status tone={versionTones[version.status]} className="font-medium">
        {version.status}
      </Status>
      <p className="mt-0.5 mb-4 text-ink-soft">{statusSentences[version.status]}</p>
      <div className="flex flex-col gap-4 [&>*+*]:border-line [&>*+*]:border-t [&>*+*]:pt-4">
        <Asked object={object} version={version} />
        <Made version={version} parentPage={parentPage} onSelect={onSelect} />
        <Stored version={version} copies={copies} />
      </div>
    </Section>
  );
}

/** The regulator's logs know who asked; a version may outlive them. */
function Asked({ object, version }: { object: string; version: StateVersion }) {
  const trpc = useTRPC();
  const { requestId } = version;
  const { data } = useQuery({ ...trpc.requests.show.queryOptions({ requestId }), retry: false });
  const isKnown = data !== undefined && data.operation !== "unknown";
  const others = (data?.versions ?? []).filter((other) => other.object !== object);
  const facts: Fact[] = [
    [
      "Request",
      <Link key="id" href={addressOfRequest(requestId)} className={link}>
        <Hash value={requestId} digits={16} />
      </Link>,
    ],
  ];
  if (isKnown) {
    facts.push(
      ["Operation", inert(data.operation)],
      ["Client", data.host === "unknown" ? inert(data.client) : `${inert(data.client)} from ${inert(data.host)}`],
    );
    facts.push(["Received", <Time key="at" iso={data.receivedAt} />]);
  } else
    facts.push([
      "Asked by",
      <span key="none" className="text-ink-faint">
        no longer in the regulator's logs
      </span>,
    ]);
  if (others.length > 0) facts.push(["Also changed", <Others key="others" others={others} slot={version.slot} />]);
  return <Facts facts={facts} />;
}

const othersShown = 8;

interface OthersProps {
  others: readonly { object: string; number: number; epoch: number }[];
  /** One decision verifies all versions of a request. */
  slot: number | null;
}

function Others({ others, slot }: OthersProps) {
  return (
    <ul className="flex flex-wrap gap-x-3">
      {others.slice(0, othersShown).map((other) => (
        <li key={other.object}>
          <Link href={addressOfObject(other.object, { ...other, slot })} className={link}>
            {inert(other.object)}
          </Link>
        </li>
      ))}
      {others.length > othersShown && <li className="text-ink-faint">and {others.length - othersShown} more</li>}
    </ul>
  );
}

function Made({ version, parentPage, onSelect }: Pick<VersionDetailProps, "version" | "parentPage" | "onSelect">) {
  const { executionServer, attempt, testers, parent, slot, at } = version;
  return (
    <Facts
      facts={[
        [
          "Executed by",
          <span key="by">
            <Link href={addressOfServer(executionServer)} className={link}>
              {executionServer}
            </Link>
            {attempt !== null && attempt > 1 && <span className="text-ink-soft">, attempt {attempt}</span>}
          </span>,
        ],
        ["Tested by", testers.length === 0 ? <Unknown key="none" /> : testers.join(", ")],
        [
          "Follows",
          parent === null ? (
            "nothing, it is the first"
          ) : parentPage === null ? (
            <button key="parent" type="button" onClick={() => onSelect(keyOf(parent))} className={link}>
              {nameOf(parent)}
            </button>
          ) : (
            <Link key="parent" href={parentPage} className={link}>
              {nameOf(parent)}
            </Link>
          ),
        ],
        [
          "Decided",
          slot === null ? (
            <Unknown key="none" />
          ) : (
            <span key="at">
              <Time iso={at} /> <span className="text-ink-soft">in slot {formatCount(slot)}</span>
            </span>
          ),
        ],
      ]}
    />
  );
}

const nameOf = ({ number, epoch }: { number: number; epoch: number }): string =>
  `version ${formatCount(number)}, epoch ${formatCount(epoch)}`;

const Unknown = () => <span className="text-ink-faint">not yet</span>;

function Stored({ version, copies }: { version: StateVersion; copies: readonly Copy[] }) {
  const { c1, c2, changeDigest } = version;
  const wrong = copies.some(isWrong);
  const missing =
    version.status === "verified" && copies.some(({ state }) => ["absent", "silent", "unread"].includes(state));
  return (
    <div>
      <Status tone={wrong ? "bad" : missing ? "warn" : "good"} className="mb-3" wrap>
        {sentenceOf(copies)}
      </Status>
      <Facts
        facts={[
          ["C1", <Digest key="c1" value={c1} name="C1" />],
          [
            "C2",
            c2 === null ? (
              <span key="none" className="text-ink-faint">
                verified versions only
              </span>
            ) : (
              <Digest key="c2" value={c2} name="C2" />
            ),
          ],
          ...(changeDigest === null
            ? []
            : [["Change", <Digest key="change" value={changeDigest} name="change digest" />] as const]),
        ]}
      />
    </div>
  );
}

function Digest({ value, name }: { value: string; name: string }) {
  return (
    <span className="flex items-center justify-between gap-1">
      <Hash value={value} digits={24} className="min-w-0 truncate" />
      <CopyButton text={value} label={`Copy ${name}`} />
    </span>
  );
}
