/**
 * What a manager must remember from its last second: placement, versions it has handed out, revoked certificates, states
 * of nodes and servers. A small file beside its identity, written atomically, so that a manager that starts again serves
 * nodes at once, before its database does. Decisions of people are in the database, which wins where both know something.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPONENTS, nodeStateSchema, serverStateSchema } from "@redoubt/shared";
import { z } from "zod";

const component = z.enum(COMPONENTS).exclude(["node-agent"]);

const memorySchema = z.object({
  format: z.literal(1),
  membershipVersion: z.number().int(),
  /** SHA-256 of the orders of that version: a manager that would order the same makes no new version. */
  orderedDigest: z.string(),
  directoryVersion: z.number().int(),
  configurationVersion: z.number().int(),
  wanted: z.partialRecord(component, z.number().int()),
  placement: z.array(
    z.object({
      server: z.string(),
      component,
      node: z.string(),
      incarnation: z.string(),
      /** Entry file of a drill that its next process runs, below `dist`. */
      entry: z.string().optional(),
      entryLasts: z.boolean().optional(),
      /** Ended by an administrator, until one starts it again. */
      ended: z.enum(["stopped", "killed"]).optional(),
    }),
  ),
  /** Serial → when the certificate would have ended anyway (ms since 1970). */
  revoked: z.record(z.string(), z.number()),
  /** `server incarnation` of processes that were ordered to be discarded. */
  discarded: z.array(z.string()),
  /** What everybody is told of the application's versions; absent before the first order. */
  applications: z
    .object({
      known: z.array(z.string()),
      ready: z.array(z.string()),
      choice: z
        .object({
          order: z.number().int(),
          current: z.string(),
          replaces: z.string().optional(),
          trialRequests: z.number().int(),
        })
        .optional(),
    })
    .optional(),
  nodes: z.record(z.string(), z.object({ state: nodeStateSchema, since: z.number() })),
  servers: z.record(
    z.string(),
    z.object({
      state: serverStateSchema,
      since: z.number(),
      /** Of the process that was in this state. */ incarnation: z.string().optional(),
    }),
  ),
});

export type ManagerMemory = z.infer<typeof memorySchema>;

const WRITE_DELAY_MS = 100;

const fresh = (): ManagerMemory => ({
  format: 1,
  membershipVersion: 0,
  orderedDigest: "",
  directoryVersion: 0,
  configurationVersion: 0,
  wanted: {},
  placement: [],
  revoked: {},
  discarded: [],
  nodes: {},
  servers: {},
});

/** Larger than everything handed out before, also when the file was lost: versions start from the clock. */
export const nextVersion = (previous: number): number => Math.max(previous + 1, Date.now());

export class MemoryFile {
  readonly value: ManagerMemory;
  /** False at the very first start, and when the file was lost. */
  readonly existed: boolean;
  readonly #file: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#file = join(folder, "memory.json");
    const known = existsSync(this.#file) ? memorySchema.safeParse(readJson(this.#file)) : undefined;
    this.existed = known?.success === true;
    this.value = known?.success ? known.data : fresh();
  }

  /** Written a moment later, together with what else changes until then. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.write(), WRITE_DELAY_MS);
  }

  /** Written when it returns: for what must not be forgotten once others have been told. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(this.value), { mode: 0o600, flush: true });
    renameSync(`${this.#file}.tmp`, this.#file);
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
