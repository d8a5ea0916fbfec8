/** `redoubt app`: everything about applications, a file for each command. */
import type { Command } from "commander";
import { registerAppAttack } from "./app-attack.ts";

export function registerApp(program: Command): void {
  const app = program.command("app").description("applications: how strong their acceptance tests are");
  registerAppAttack(app);
}
