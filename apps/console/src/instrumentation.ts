import { isNodeRuntime } from "./env";

/** Runs once when the server starts, before it answers. */
export async function register(): Promise<void> {
  if (!isNodeRuntime) return;
  const { ensureFirstAdministrator } = await import("./server/first-administrator");
  await ensureFirstAdministrator();
}
