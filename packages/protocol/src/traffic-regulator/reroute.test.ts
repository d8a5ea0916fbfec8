import fc from "fast-check";
import { expect, test } from "vitest";
import { application, MEMBERS, Stage } from "./stage.test-support.ts";

const FAILING = "execution-server-1";
const RUNS = 200;

/** Three parts of the object clusters, one for each execution server. */
const PARTS = [
  { from: 0, to: 340 },
  { from: 341, to: 681 },
  { from: 682, to: 1023 },
];

/** An object of that part, another one each time. */
function objectIn(part: number, number: number): string {
  const { from, to } = PARTS[part] as { from: number; to: number };
  for (let suffix = 0; ; suffix++) {
    const object = `object-${number}-${suffix}`;
    const cluster = application.clusterOf(object);
    if (cluster !== undefined && cluster >= from && cluster <= to) return object;
  }
}

function hold(stage: Stage, part: number, holder: string): void {
  const clusters = [PARTS[part] as { from: number; to: number }];
  const epoch = stage.nextSlot;
  const terms = { members: MEMBERS, faultsTolerated: 1, invalid: [] };
  stage.decide({ kind: "epochOpened", clusters, epoch, holder, ...terms });
  stage.decide({ kind: "settled", clusters, epoch, survivors: [], voided: [] });
}

interface Load {
  /** Requests that ended well there before: a process may hold more the more it has proved. */
  readonly served: number;
  /** Of what it may hold, more than 1 where requests wait. */
  readonly share: number;
}

const ROOM_FIRST = 16;

function load(stage: Stage, part: number, { served, share }: Load): void {
  let number = 0;
  for (; number < served; number++) stage.answerAll(stage.dispatch("bob", { object: objectIn(part, number) }));
  const room = ROOM_FIRST + served;
  for (let count = 0; count < Math.round(room * share); count++)
    stage.admit(["carol", "dave"][count % 2] as string, { object: objectIn(part, number + count) });
  const here = stage.dispatches.filter(({ server }) => server === `execution-server-${part + 1}`);
  expect(here).toHaveLength(served + Math.min(room, Math.round(room * share)));
}

/** Whom the domain of a server that fails is given to. */
function rerouted(heavy: Load, light: Load, isLightFirst: boolean, tie: number): "heavy" | "light" | "another" {
  const stage = new Stage();
  stage.random = () => tie;
  const [lightPart, heavyPart] = isLightFirst ? [1, 2] : [2, 1];
  for (const part of [0, 1, 2]) hold(stage, part, `execution-server-${part + 1}`);
  load(stage, heavyPart, heavy);
  load(stage, lightPart, light);
  stage.mastersAnswer = false;
  const request = stage.dispatch("alice", { object: objectIn(0, 0) });
  expect(request.server).toBe(FAILING);
  stage.executionFailed(request, "timeout");
  const wish = stage.sentOf("requestEpoch").at(-1)?.message;
  const holder = wish?.kind === "requestEpoch" ? wish.holder : "";
  if (holder === `execution-server-${lightPart + 1}`) return "light";
  return holder === `execution-server-${heavyPart + 1}` ? "heavy" : "another";
}

const served = fc.constantFrom(0, 20, 60, 120);

test("with loads of 0.9 and 0.1, what a failing server held goes to the lightly loaded one in 95 % or more (R34)", () => {
  const chosen: string[] = [];
  const lights = fc.record({ served, share: fc.constant(0.1) });
  const heavies = fc.record({ served, share: fc.constant(0.9) });
  const order = fc.tuple(heavies, lights, fc.boolean(), fc.double({ min: 0, max: 0.999, noNaN: true }));
  for (const [heavy, light, isLightFirst, tie] of fc.sample(order, { numRuns: RUNS, seed: 34 }))
    chosen.push(rerouted(heavy, light, isLightFirst, tie));
  expect(chosen).toHaveLength(RUNS);
  expect(chosen.filter((each) => each === "light").length / RUNS).toBeGreaterThanOrEqual(0.95);
});

test("what waits for a server counts, though it does not run there yet", () => {
  const [waitedFor, proven] = [
    { served: 0, share: 3 },
    { served: 80, share: 0.3 },
  ];
  expect(rerouted(waitedFor, proven, true, 0.5)).toBe("light");
  expect(rerouted(waitedFor, proven, false, 0.5)).toBe("light");
});
