/**
 * What a captured execution server may make of its work (REQUIREMENTS §C, as far as it is about results): pure functions from
 * an honest case to forged records. Behaviours on the way (equivocation, foreign tickets, old parents, floods) are the protocol's and are
 * not judged by an application's acceptance test.
 */

import type { AcceptanceRecord, RecordedWrite } from "../../acceptance/record.ts";
import type { ContractJson, OperationContract } from "../../contract/contract-json.ts";
import { refusalProblem } from "../../contract/refusal-problem.ts";
import { leakForgeries } from "./leaks.ts";
import { at, leavesOf, listsOf, numbersOf, pathText, withLeaf } from "./leaves.ts";
import type { Forgery, HonestCase } from "./types.ts";

/** What a behaviour may look at besides the case. */
export interface Surroundings {
  readonly contract: ContractJson;
  readonly operation: OperationContract;
  /** An object of the first state that the operation does not name, or undefined. */
  readonly stranger: { readonly object: string; readonly value: unknown } | undefined;
  /** The same server's work on other requests or on older objects, in this case's place. */
  readonly otherWork: readonly { readonly what: string; readonly input: unknown; readonly record: AcceptanceRecord }[];
}

export interface Behaviour {
  readonly name: string;
  readonly catalogue: string;
  readonly title: string;
  readonly forge: (honest: HonestCase, surroundings: Surroundings) => Forgery[];
}

const isSuccess = ({ record }: HonestCase): boolean => record.reply.status === 200;
const withReply = (record: AcceptanceRecord, body: unknown): AcceptanceRecord => ({
  ...record,
  reply: { ...record.reply, body },
});

interface Tweak {
  readonly value: unknown;
  readonly what: (path: string) => string;
}

/** Other values for one leaf. */
function tweaks(value: string | number | boolean | null, others: readonly unknown[]): Tweak[] {
  const instead = (other: unknown): Tweak => ({ value: other, what: (path) => `${path} of another field` });
  const swapped = others
    .filter((other) => typeof other === typeof value && other !== value)
    .slice(0, 2)
    .map(instead);
  if (typeof value === "number")
    return [
      { value: value + 1, what: (path) => `${path} + 1` },
      { value: value - 1, what: (path) => `${path} - 1` },
      { value: 0, what: (path) => `${path} = 0` },
      { value: value * 2, what: (path) => `${path} doubled` },
      { value: -value, what: (path) => `${path} negated` },
      ...swapped,
    ];
  if (typeof value === "boolean") return [{ value: !value, what: (path) => `${path} negated` }];
  if (typeof value === "string")
    return [
      { value: `${value}x`, what: (path) => `${path} with more text` },
      { value: value.slice(0, -1), what: (path) => `${path} cut` },
      ...swapped,
    ];
  return [{ value: 0, what: (path) => `${path} = 0` }];
}

function tweaked(
  value: unknown,
): { readonly value: unknown; readonly what: (path: string) => string; readonly path: string }[] {
  const leaves = leavesOf(value);
  return leaves.flatMap((leaf) =>
    tweaks(
      leaf.value,
      leaves.map((other) => other.value),
    ).map((tweak) => ({ value: withLeaf(value, leaf.path, tweak.value), what: tweak.what, path: pathText(leaf.path) })),
  );
}

const wrongReply = (honest: HonestCase): Forgery[] => {
  if (!isSuccess(honest)) return [];
  const { record } = honest;
  const forged = tweaked(record.reply.body).map(({ value, what, path }) => ({
    record: withReply(record, value),
    what: what(`reply.${path}`),
  }));
  return [...forged, { record: { ...record, reply: { ...record.reply, status: 201 } }, what: "reply with status 201" }];
};

const rowsLeftOut = ({ record }: HonestCase): Forgery[] => {
  const body = record.reply.body;
  const rows = listsOf(body).flatMap(({ path, items }) => {
    const name = `reply.${pathText(path)}`;
    const changed = (list: readonly unknown[], what: string): Forgery => ({
      record: withReply(record, withLeaf(body, path, list)),
      what: `${name} ${what}`,
    });
    return items.length === 0
      ? []
      : [
          changed(items.slice(1), "without a row"),
          changed([], "without any row"),
          changed([...items, items[0]], "with a row twice"),
        ];
  });
  // A version that is written names its parent, so its object was seen whether or not it is listed as read.
  const written = new Set(record.writes.map(({ object }) => object));
  const reads = record.reads
    .filter(({ object }) => !written.has(object))
    .map(({ object }) => ({
      record: { ...record, reads: record.reads.filter((read) => read.object !== object) },
      what: `reply made without ${typeOf(object)}`,
    }));
  return [...rows, ...reads];
};

const typeOf = (object: string): string => object.split("/")[0] ?? object;
const withWrites = (record: AcceptanceRecord, writes: readonly RecordedWrite[]): AcceptanceRecord => ({
  ...record,
  writes,
});
const withAfter = (record: AcceptanceRecord, object: string, after: unknown): AcceptanceRecord =>
  withWrites(
    record,
    record.writes.map((write) => (write.object === object ? { ...write, after } : write)),
  );

const wrongState = ({ record }: HonestCase): Forgery[] => [
  ...record.writes.flatMap(({ object, before, after }) => [
    ...tweaked(after).map(({ value, what, path }) => ({
      record: withAfter(record, object, value),
      what: what(`${typeOf(object)}.${path}`),
    })),
    { record: withAfter(record, object, before), what: `${typeOf(object)} left as it was` },
    { record: withAfter(record, object, null), what: `${typeOf(object)} deleted` },
    ...shifts(record, object),
  ]),
  ...exchanges(record),
];

/** Money moved from one field to another: no sum notices. */
function shifts(record: AcceptanceRecord, object: string): Forgery[] {
  const write = record.writes.find((entry) => entry.object === object);
  const numbers = numbersOf(write?.after);
  const type = typeOf(object);
  return numbers.flatMap((source) =>
    numbers
      .filter((target) => target !== source)
      .flatMap((target) =>
        [1, source.value].map((amount) => {
          const less = withLeaf(write?.after, source.path, source.value - amount);
          const moved = withLeaf(less, target.path, target.value + amount);
          const what = `${amount === 1 ? "some" : "all"} of ${type}.${pathText(source.path)} moved to ${pathText(target.path)}`;
          return { record: withAfter(record, object, moved), what };
        }),
      ),
  );
}

/** The same between two objects, and the two exchanged. */
function exchanges(record: AcceptanceRecord): Forgery[] {
  const [first, second] = record.writes;
  if (!first || !second) return [];
  const swapped = withAfter(withAfter(record, first.object, second.after), second.object, first.after);
  const moved = numbersOf(first.after).flatMap(({ path, value }) => {
    const other = at(second.after, path);
    if (typeof other !== "number") return [];
    return [1, -1, value].map((amount) => ({
      record: withAfter(
        withAfter(record, first.object, withLeaf(first.after, path, value - amount)),
        second.object,
        withLeaf(second.after, path, other + amount),
      ),
      what: `${amount === value ? "all" : "some"} of ${typeOf(first.object)}.${pathText(path)} moved to the other object`,
    }));
  });
  return [{ record: swapped, what: "the objects written are exchanged" }, ...moved];
}

/** Every wrong state with a reply that says what that state says. */
const consistentLie = (honest: HonestCase): Forgery[] =>
  wrongState(honest).flatMap(({ record, what }) => {
    const body = adapted(honest.record, record);
    return body === undefined ? [] : [{ record: withReply(record, body), what: `${what}, reply adapted` }];
  });

/** The reply with every number that showed a new balance showing the forged one; undefined when nothing of it shows. */
function adapted(honest: AcceptanceRecord, forged: AcceptanceRecord): unknown {
  let body = honest.reply.body;
  for (const write of forged.writes) {
    const original = honest.writes.find(({ object }) => object === write.object);
    for (const { path, value } of leavesOf(original?.after)) {
      const other = at(write.after, path);
      if (other === value || other === undefined) continue;
      for (const leaf of leavesOf(honest.reply.body)) {
        const isNamed = leaf.path.at(-1) === path.at(-1) || leaf.path.length === 1;
        if (leaf.value === value && isNamed) body = withLeaf(body, leaf.path, other);
      }
    }
  }
  return body === honest.reply.body ? undefined : body;
}

/** Another request's work, as it is and with this request's input in the reply. */
const otherRequest = ({ record }: HonestCase, { otherWork }: Surroundings): Forgery[] =>
  otherWork.flatMap(({ what, input, record: other }) => {
    const taken: AcceptanceRecord = { ...record, reads: other.reads, writes: other.writes, reply: other.reply };
    let body = other.reply.body;
    for (const leaf of leavesOf(input)) {
      const own = at(record.input, leaf.path);
      if (at(body, leaf.path) === leaf.value && own !== undefined) body = withLeaf(body, leaf.path, own);
    }
    return [
      { record: taken, what },
      { record: withReply(taken, body), what: `${what}, reply adapted` },
    ];
  });

const extraObject = ({ record }: HonestCase, { stranger }: Surroundings): Forgery[] => {
  if (!stranger) return [];
  const { object, value } = stranger;
  const [number] = numbersOf(value);
  const after = number ? withLeaf(value, number.path, number.value + 1) : value;
  const type = typeOf(object);
  const named = record.reads.find(
    (read) => read.value !== null && !record.writes.some((write) => write.object === read.object),
  );
  const [own] = named ? numbersOf(named.value) : [];
  return [
    {
      record: withWrites(record, [...record.writes, { object, before: value, after }]),
      what: `another ${type} written`,
    },
    {
      record: withWrites(record, [...record.writes, { object: `${object}-new`, before: null, after: value }]),
      what: `another ${type} made`,
    },
    ...(named && own
      ? [
          {
            record: withWrites(record, [
              ...record.writes,
              { object: named.object, before: named.value, after: withLeaf(named.value, own.path, own.value + 1) },
            ]),
            what: `${typeOf(named.object)} written that is only read`,
          },
        ]
      : []),
  ];
};

const partialUpdate = ({ record }: HonestCase): Forgery[] =>
  record.writes.length === 0
    ? []
    : [
        { record: withWrites(record, []), what: "nothing written" },
        ...record.writes.map(({ object }, index) => ({
          record: withWrites(
            record,
            record.writes.filter((write) => write.object !== object),
          ),
          what: `object ${index + 1} of those written left out`,
        })),
      ];

const refuseEverybody = ({ record }: HonestCase, { contract, operation }: Surroundings): Forgery[] =>
  Object.keys(operation.refusals).flatMap((name) => {
    const body = refusalProblem(contract, operation, name);
    if (!body) return [];
    const refused: AcceptanceRecord = { ...record, writes: [], reply: { status: body.status, body } };
    return [
      { record: refused, what: `refused as ${name}` },
      ...(record.writes.length > 0
        ? [{ record: { ...refused, writes: record.writes }, what: `refused as ${name}, but written` }]
        : []),
      { record: { ...refused, reads: [] }, what: `refused as ${name}, without looking` },
    ];
  });

const undeclaredAccess = ({ record }: HonestCase, { stranger }: Surroundings): Forgery[] => {
  if (!stranger) return [];
  const { object, value } = stranger;
  const type = typeOf(object);
  const log = (granted: boolean): AcceptanceRecord => ({
    ...record,
    accesses: [...(record.accesses ?? []), { object, mode: "fetch", granted }],
  });
  return [
    { record: { ...record, reads: [...record.reads, { object, value }] }, what: `another ${type} read` },
    { record: log(true), what: `another ${type} fetched` },
    { record: log(false), what: `another ${type} asked for in vain` },
  ];
};

/** Every behaviour that is about results, in the order of the catalogue. */
export const BEHAVIOURS: readonly Behaviour[] = [
  { name: "wrong-reply", catalogue: "A1", title: "wrong reply, right state", forge: wrongReply },
  { name: "wrong-state", catalogue: "A2", title: "right reply, wrong state", forge: wrongState },
  { name: "consistent-lie", catalogue: "A3", title: "both wrong, and fitting each other", forge: consistentLie },
  {
    name: "other-request",
    catalogue: "A3",
    title: "the work of another request, or on older objects",
    forge: otherRequest,
  },
  {
    name: "undeclared-access",
    catalogue: "A10, A11",
    title: "reads what the operation does not declare",
    forge: undeclaredAccess,
  },
  { name: "leak", catalogue: "A12, A13", title: "another client's text, plain and encoded", forge: leakForgeries },
  { name: "extra-object", catalogue: "A9, A14", title: "an object written that is not declared", forge: extraObject },
  { name: "partial-update", catalogue: "A15, A17", title: "an object of the change left out", forge: partialUpdate },
  { name: "refuse-everybody", catalogue: "A37", title: "refuses what is in order", forge: refuseEverybody },
  { name: "rows-left-out", catalogue: "A38", title: "rows of the reply left out or doubled", forge: rowsLeftOut },
];
