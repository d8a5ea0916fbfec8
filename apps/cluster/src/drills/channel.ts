/** The drill's side of what it and the manager say to each other: orders that are answered, and the feed's events. */
import type { FeedEvent } from "@redoubt/shared";
import { z } from "zod";
import type { DrillOrder, FromDrill, ToDrill } from "../manager/drill-orders.ts";

const POLL_MS = 50;

export const pause = (durationMs: number): Promise<void> => new Promise((resume) => setTimeout(resume, durationMs));

/** Asks until the answer is there; undefined when the time (ms) is over first. */
export async function until<Value>(
  limitMs: number,
  look: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value | undefined> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > limit) return undefined;
    await pause(POLL_MS);
  }
}

/** What a drill reads of the cluster's status. */
const statusSchema = z.object({
  nodes: z.array(
    z.object({
      servers: z.array(
        z.object({
          name: z.string(),
          component: z.string(),
          pid: z.number().nullable(),
          state: z.string(),
          role: z.string(),
        }),
      ),
    }),
  ),
  degrees: z.record(
    z.string(),
    z.object({ wanted: z.number(), live: z.number(), faultsToleratedByDesign: z.number() }),
  ),
});

export type DrillStatus = z.infer<typeof statusSchema>;
export type DrillServer = DrillStatus["nodes"][number]["servers"][number];

export const serversOf = (status: DrillStatus, component: string): DrillServer[] =>
  status.nodes.flatMap(({ servers }) => servers).filter((server) => server.component === component);

export const isWhole = ({ degrees }: DrillStatus): boolean =>
  Object.values(degrees).every(({ wanted, live }) => live >= wanted);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class ManagerChannel {
  readonly #waiting = new Map<number, Waiting>();
  readonly #events: FeedEvent[] = [];
  #orders = 0;

  /** Without a manager there is nobody to drill for: then the process ends. */
  constructor() {
    process.on("message", (message: ToDrill) => this.#take(message));
    process.once("disconnect", () => process.exit(1));
  }

  /** Everything since the drill was started, oldest first. */
  get events(): readonly FeedEvent[] {
    return this.#events;
  }

  /** Rejects with the manager's reason when it does not carry the order out. */
  order(order: DrillOrder): Promise<unknown> {
    const id = ++this.#orders;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#say({ kind: "order", id, order });
    });
  }

  async status(): Promise<DrillStatus> {
    return statusSchema.parse(await this.order({ kind: "status" }));
  }

  /** Resolves when it has been said. */
  tell(word: Exclude<FromDrill, { kind: "order" }>): Promise<void> {
    return new Promise((said) => {
      process.send?.(word, undefined, undefined, () => said());
    });
  }

  #say(message: FromDrill): void {
    if (!process.send) throw new Error("a drill is started by the configuration manager, not by hand");
    process.send(message);
  }

  #take(message: ToDrill): void {
    if (message.kind === "event") {
      this.#events.push(message.event);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.ok) waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.error));
  }
}
