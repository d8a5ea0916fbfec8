/** Temporary folders of tests that start Postgres, which must be able to enter them as an unprivileged user. */
import { chmod, mkdtemp, rm } from "node:fs/promises";

const parent = "/var/tmp";
/** Only what tests and the launcher make is ever removed, whatever a test hands over. */
const removable = /^\/var\/tmp\/redoubt-(test-[^/.]+|postgres-[0-9a-f]{16}-[0-9a-f]{16})$/;

/** A new folder that everybody may enter. */
export async function makeTestFolder(): Promise<string> {
  const directory = await mkdtemp(`${parent}/redoubt-test-`);
  await chmod(directory, 0o755);
  return directory;
}

/** @throws Error if the path is not exactly a test folder or a substitute data folder of the launcher */
export async function removeTestFolder(directory: string): Promise<void> {
  if (!removable.test(directory)) throw new Error(`refusing to remove ${directory}: it is not a folder of a test`);
  await rm(directory, { recursive: true, force: true });
}
