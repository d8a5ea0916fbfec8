/** The `redoubt` command as a tree of commands, one file per subject; it is run by main.ts. */
import { Command } from "commander";
import { registerApp } from "./commands/app.ts";
import { registerAttempts } from "./commands/attempts.ts";
import { registerClients } from "./commands/clients.ts";
import { registerDegree } from "./commands/degree.ts";
import { registerDrill } from "./commands/drill.ts";
import { registerMasters } from "./commands/masters.ts";
import { registerQuarantine } from "./commands/quarantine.ts";
import { registerRecords } from "./commands/records.ts";
import { registerServer } from "./commands/server.ts";
import { registerSimulate } from "./commands/simulate.ts";
import { registerState } from "./commands/state.ts";
import { registerStatus } from "./commands/status.ts";
import { registerUp } from "./commands/up.ts";

/** Throws CommanderError instead of ending the process. */
export function buildProgram(): Command {
  const program = new Command("redoubt")
    .description("Intrusion tolerance for mission-critical services: start, watch and administer a cluster")
    .version("0.1.0")
    .showHelpAfterError("(add --help for what is right)")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  for (const register of [
    registerUp,
    registerStatus,
    registerAttempts,
    registerApp,
    registerClients,
    registerQuarantine,
    registerRecords,
    registerState,
    registerMasters,
    registerDegree,
    registerServer,
    registerDrill,
    registerSimulate,
  ])
    register(program);
  inheritSettings(program);
  return program;
}

function inheritSettings(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritSettings(child);
  }
}
