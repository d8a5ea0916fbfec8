/**
 * Node agents of one machine start each other again: an agent is nobody's child, and the manager, which could, may end in
 * the same moment as the agent beside it. The nodes stand in a ring, in the order of the cluster's file; an agent that has
 * ended is started by the nearest living one before it, so that there is exactly one whose turn it is. It stops when the
 * cluster is being ended, which the launcher says by a file. All agents at once are not started again by anybody: that is
 * what `redoubt up` is for, as after a power cut.
 */
import { existsSync } from "node:fs";
import { isAlive, type ProcessRecord, readProcessRecord } from "../adapters/supervisor/index.ts";

const LOOK_MS = 50;
/** At a start of the whole cluster the launcher is still starting the agents; until then only one that has ended is ours. */
const LAUNCH_MS = 20_000;
const PAUSE_FIRST_MS = 250;
/** An agent that keeps ending is started with growing pauses. */
const PAUSE_MAX_MS = 30_000;
/** An agent that lived this long beyond its pause starts again without one. */
const SETTLED_AFTER_MS = 10_000;

export interface AgentsKeeperParts {
  /** This agent's node. */
  readonly node: string;
  /** All nodes in the order of the cluster's file. */
  readonly nodes: readonly string[];
  readonly runDirectory: string;
  /** The file that says that the cluster is being ended. */
  readonly endingFile: string;
  readonly start: (node: string) => Promise<ProcessRecord>;
  readonly onRestart: (node: string) => void;
  readonly onFailure: (node: string, error: unknown) => void;
}

/**
 * Whose agents this one has to start again, nearest first.
 * @param isGone whether the agent of a node has ended
 */
export function agentsInCare(
  node: string,
  nodes: readonly string[],
  isGone: (node: string) => boolean,
): readonly string[] {
  const own = nodes.indexOf(node);
  const after = [...nodes.slice(own + 1), ...nodes.slice(0, own)];
  const alive = after.findIndex((other) => !isGone(other));
  return alive === -1 ? after : after.slice(0, alive);
}

export class AgentsKeeper {
  readonly #parts: AgentsKeeperParts;
  readonly #timer: NodeJS.Timeout;
  readonly #starts = new Map<string, { readonly at: number; readonly pauseMs: number }>();
  /** Nodes whose agent was there once: its record goes with it when it was started here. */
  readonly #seen = new Set<string>();
  readonly #startedAt = Date.now();
  #isBusy = false;

  constructor(parts: AgentsKeeperParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Starts every agent in its care that has ended. */
  async look(): Promise<void> {
    const { node, nodes, endingFile } = this.#parts;
    if (this.#isBusy || existsSync(endingFile)) return;
    this.#isBusy = true;
    try {
      for (const other of agentsInCare(node, nodes, (each) => this.#isGone(each)))
        if (this.#mayStart(other)) await this.#start(other);
    } finally {
      this.#isBusy = false;
    }
  }

  #isGone(node: string): boolean {
    const record = readProcessRecord(this.#parts.runDirectory, node);
    if (record === undefined) return this.#seen.has(node) || Date.now() - this.#startedAt >= LAUNCH_MS;
    this.#seen.add(node);
    return !isAlive(record);
  }

  #mayStart(node: string): boolean {
    const last = this.#starts.get(node);
    return last === undefined || Date.now() - last.at >= last.pauseMs;
  }

  async #start(node: string): Promise<void> {
    const { start, onRestart, onFailure } = this.#parts;
    const last = this.#starts.get(node);
    const isFrequent = last !== undefined && Date.now() - last.at < last.pauseMs + SETTLED_AFTER_MS;
    this.#starts.set(node, {
      at: Date.now(),
      pauseMs: isFrequent ? Math.min(PAUSE_MAX_MS, 2 * last.pauseMs) : PAUSE_FIRST_MS,
    });
    try {
      await start(node);
      onRestart(node);
    } catch (error) {
      onFailure(node, error);
    }
  }
}
