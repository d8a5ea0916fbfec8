/** `redoubt app`: everything about applications, a file for each command. */
import type { Command } from "commander";
import { registerAppAttack } from "./app-attack.ts";
import { registerAppVersions } from "./app-versions.ts";

export function registerApp(program: Command): void {
  const app = program
    .command("app")
    .description("applications: how strong their acceptance tests are, and their versions");
  registerAppAttack(app);
  registerAppVersions(app);
}
