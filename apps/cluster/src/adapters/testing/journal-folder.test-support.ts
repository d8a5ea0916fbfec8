/** A new folder for the journal of each test of a file; journals opened in it are closed when the test is over. */
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { Journal } from "../journal/index.ts";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";

export interface JournalFolder {
  /** Of the journal in the test that runs; not there yet. */
  readonly directory: string;
  /** Closes the journal after the test. */
  opened(journal: Journal): Journal;
}

export function useJournalFolder(): JournalFolder {
  const journals: Journal[] = [];
  let scratch: TemporaryDirectory | undefined;
  beforeEach(() => {
    scratch = temporaryDirectory();
  });
  afterEach(async () => {
    for (const journal of journals.splice(0)) await journal.close();
    scratch?.remove();
    scratch = undefined;
  });
  return {
    get directory() {
      if (scratch === undefined) throw new Error("there is a folder while a test runs");
      return join(scratch.path, "journal");
    },
    opened(journal) {
      journals.push(journal);
      return journal;
    },
  };
}
