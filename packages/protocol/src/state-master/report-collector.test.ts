import { LIMITS } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import type { Sender } from "../core.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { HOLDER, MEMBERS, makeChange, type TestChange } from "./changes.test-support.ts";
import { MASTER_TIMES, MasterContext } from "./context.ts";
import { applyCommand } from "./metadata.ts";
import { createMetadataState } from "./metadata-state.ts";
import { acceptedBy, ReportCollector } from "./report-collector.ts";

const sender = (index: number): Sender => ({ component: "state-replica", server: MEMBERS[index] as string });
const [ONE, TWO, THREE] = [sender(0), sender(1), sender(2)];
const EPOCH = 1;

function create(): { readonly context: MasterContext; readonly collector: ReportCollector } {
  const state = createMetadataState(nodeHasher);
  const applied = { decisions: [], versions: [], dead: [] };
  const clusters = [{ from: 0, to: 0 }];
  const terms = { holder: HOLDER, members: MEMBERS, faultsTolerated: 1, invalid: [] };
  applyCommand(state, { kind: "openEpoch", clusters, epochMax: 0, ...terms }, EPOCH, applied);
  applyCommand(state, { kind: "settle", epoch: EPOCH, asOf: EPOCH, survivors: [], voided: [] }, 2, applied);
  const context = new MasterContext(state, () => 0);
  return { context, collector: new ReportCollector(context) };
}

const report = (changes: readonly TestChange[], verdict?: { readonly kind: "pass" }) =>
  ({
    kind: "report",
    changes: changes.map(({ digest, summary }) => ({
      digest,
      summary,
      durable: true,
      ...(verdict ? { verdict } : {}),
    })),
  }) as const;
const pass = { kind: "pass" } as const;

describe("reports", () => {
  test("of one member count once, however often they come", () => {
    const { context, collector } = create();
    const change = makeChange({ request: "a", epoch: EPOCH });
    for (let time = 0; time < 3; time++) collector.take(ONE, report([change], pass));
    const candidate = collector.get(change.digest);
    expect(candidate && acceptedBy(context.state, candidate)).toBe(undefined);
    collector.take(TWO, report([change], pass));
    expect(candidate && acceptedBy(context.state, candidate)).toEqual(MEMBERS.slice(0, 2));
  });

  test("of a lying member fill its own share only", () => {
    const { context, collector } = create();
    const lies = Array.from({ length: LIMITS.unlabelledChangesMax + 10 }, (_, number) =>
      makeChange({ request: `lie ${number}`, epoch: EPOCH }),
    );
    collector.take(THREE, report(lies));
    expect([...collector.all()].length).toBeLessThanOrEqual(LIMITS.unlabelledChangesMax);
    const honest = makeChange({ request: "honest", epoch: EPOCH });
    for (const member of [ONE, TWO]) collector.take(member, report([honest], pass));
    const candidate = collector.get(honest.digest);
    expect(candidate && acceptedBy(context.state, candidate)).toEqual(MEMBERS.slice(0, 2));
  });

  test("that nobody repeats are forgotten and free their share", () => {
    const { context, collector } = create();
    const change = makeChange({ request: "a", epoch: EPOCH });
    context.now = 1;
    collector.take(ONE, report([change]));
    context.now += MASTER_TIMES.candidateForgottenMs;
    collector.prune();
    expect([...collector.all()]).toEqual([]);
    expect(collector.successorsOf(change.change.links[0]?.follows as TestChange["digest"])).toEqual([]);
  });

  test("of epochs that do not count, or that break the shape, are not acknowledged", () => {
    const { context, collector } = create();
    const early = makeChange({ request: "early", epoch: EPOCH + 8 });
    const broken = makeChange({ request: "broken", epoch: EPOCH });
    const message = report([early, { ...broken, summary: { ...broken.summary, links: [] } }]);
    expect(collector.take(ONE, message)).toEqual([]);
    expect(context.takeSends()).toEqual([]);
  });

  test("of requests decided already are acknowledged and dropped", () => {
    const { context, collector } = create();
    const change = makeChange({ request: "a", epoch: EPOCH });
    context.state.outcomes.set(change.change.requestId, { kind: "closed" });
    expect(collector.take(ONE, report([change]))).toEqual([]);
    expect(context.takeSends()).toMatchObject([
      { to: MEMBERS[0], message: { kind: "reported", digests: [change.digest] } },
    ]);
  });
});
