import type { AcceptanceTestEffect } from "../application-port.ts";
import type { ExecutionServerEffect } from "../execution-server/index.ts";

export function judge({ operation, input, reads, writes, reply }: AcceptanceTestEffect) {
  const expected = transition(
    operation,
    JSON.parse(input),
    new Map(reads.map((read) => [read.object, Number(read.bytes)])),
  );
  const isRight =
    reply === '{"body":null,"status":200}' &&
    writes.length === expected.length &&
    writes.every(({ object, after }) => expected.some((write) => write.object === object && write.value === after));
  return isRight ? ({ kind: "pass" } as const) : ({ kind: "fail", check: "toy", detail: "wrong" } as const);
}

function transition(
  operation: string,
  input: { from: number; to: number; amount: number },
  values: ReadonlyMap<string, number>,
) {
  const change = (number: number, amount: number) => {
    const object = `account/${number}`;
    return { object, value: String((values.get(object) ?? 0) + amount) };
  };
  return operation === "transfer"
    ? [change(input.from, -input.amount), change(input.to, input.amount)]
    : [change(input.to, input.amount)];
}

export function execute(effect: Extract<ExecutionServerEffect, { kind: "execute" }>) {
  const values = new Map(effect.provided.map(({ object, bytes }) => [object, Number(bytes)]));
  const writes = transition(effect.operation, JSON.parse(effect.input), values);
  return { execution: effect.execution, reply: { status: 200, body: "null" }, reads: [...values.keys()], writes };
}
