/** What the wiring files of the components share: settings every server gets, opening journal and application. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ServerName } from "@redoubt/shared";
import { z } from "zod";
import { type Journal, type JournalOptions, openJournal } from "../adapters/journal/index.ts";
import { type LoadedApplication, loadApplication } from "../applications/load-application.ts";
import type { ServerEnvironment } from "../env.ts";
import { createHasher } from "../runtime/hasher.ts";
import { handleSignals, ServerProcess } from "../runtime/server-process.ts";
import { ServedApplications } from "./served-applications.ts";

const commonSettings = z.object({
  /** Content address of the application bundle below DATA/applications. */
  application: z.string().min(1),
  masters: z.string().min(1),
  regulators: z.string().min(1),
  managers: z.string().default(""),
  profile: z.enum(["optimized", "basic"]),
  /** Where clients find the regulator. */
  clientAddress: z.string().default("127.0.0.1"),
  clientApiPort: z.coerce.number().int().default(0),
});

export interface CommonSettings {
  readonly application: string;
  readonly masters: readonly ServerName[];
  readonly regulators: readonly ServerName[];
  readonly managers: readonly ServerName[];
  readonly profile: "optimized" | "basic";
  readonly clientAddress: string;
  readonly clientPort: number;
}

const list = (text: string): string[] => text.split(",").filter((item) => item.length > 0);

/** The settings every component has. Throws an error that names the setting. */
export function readCommonSettings(environment: ServerEnvironment): CommonSettings {
  const parsed = commonSettings.safeParse(environment.settings);
  if (!parsed.success) {
    throw new Error(
      `settings: ${parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
    );
  }
  const { application, masters, regulators, managers, profile, clientAddress, clientApiPort } = parsed.data;
  return {
    application,
    masters: list(masters),
    regulators: list(regulators),
    managers: list(managers),
    profile,
    clientAddress,
    clientPort: clientApiPort,
  };
}

/** The regulator that is asked before anybody has named another one. */
export function firstRegulator(settings: CommonSettings): ServerName {
  const [first] = settings.regulators;
  if (first === undefined) throw new Error("settings.regulators: at least one name expected");
  return first;
}

/** What becomes of a journal's old segments. */
export type JournalRetention = Pick<JournalOptions, "keepSegments" | "retentionMs" | "mayBeCut">;

export interface ComponentBasis {
  readonly server: ServerProcess;
  readonly settings: CommonSettings;
  /** The version the cluster was made with. */
  readonly application: LoadedApplication;
  readonly applications: ServedApplications;
  readonly hasher: ReturnType<typeof createHasher>;
}

export function openComponent(environment: ServerEnvironment): ComponentBasis {
  const server = new ServerProcess(environment);
  handleSignals(server);
  const settings = readCommonSettings(environment);
  const application = loadApplication(join(server.layout.applications, settings.application));
  const applications = new ServedApplications(server, application);
  return { server, settings, application, applications, hasher: createHasher() };
}

/**
 * The server's journal. On a full disk it stops acknowledging, reads nothing more from the links, says so, and goes on when there is
 * room; on any other disk error it says so and ends the process, which starts again from the disk.
 */
export async function openServerJournal(server: ServerProcess, retention: JournalRetention = {}): Promise<Journal> {
  const { node, server: name } = server.environment;
  const journal = await openJournal({
    directory: server.layout.journal(node, name),
    ...retention,
    onShortage: (error) => {
      if (error) server.log.error({ error: error.message }, "the disk is full: nothing is acknowledged");
      else server.log.warn("the disk has room again");
      server.holdBack(error !== undefined, "disk-full");
      server.setCondition(error && "disk-full");
    },
    onFailure: (error) => {
      server.log.fatal({ error: error.message }, "the journal's disk failed");
      process.exit(74);
    },
    onArchiveFailure: (error) => server.log.warn({ error: error.message }, "a segment was not archived"),
  });
  server.onStop(() => journal.close());
  return journal;
}

/** What health reports say of a journal. */
export function journalCounters(journal: Journal): Record<string, number> {
  const { records, archivedSegments, pendingBytes } = journal.statistics;
  return { records, archivedSegments, pendingBytes };
}

/** Uniform numbers in [0, 1) that no peer can guess. */
export const secureRandom = (): number => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
