import { loadStartUp } from "./env";

/** Runs once when the server starts, before it answers. */
export async function register(): Promise<void> {
  const startUp = await loadStartUp?.();
  await startUp?.ensureFirstAdministrator();
}
