/** The `redoubt` command: routes to one file per subject; wrong flags say what is right and exit with 2. */
import { Command, CommanderError } from "commander";
import { registerClients } from "./commands/clients.ts";
import { registerDegree } from "./commands/degree.ts";
import { registerDrill } from "./commands/drill.ts";
import { registerQuarantine } from "./commands/quarantine.ts";
import { registerRecords } from "./commands/records.ts";
import { registerSimulate } from "./commands/simulate.ts";
import { registerStatus } from "./commands/status.ts";
import { registerUp } from "./commands/up.ts";
import { CommandFailure } from "./failure.ts";
import { note } from "./output.ts";

function buildProgram(): Command {
  const program = new Command("redoubt")
    .description("Intrusion tolerance for mission-critical services: start, watch and administer a cluster")
    .version("0.1.0")
    .showHelpAfterError("(add --help for what is right)")
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true });
  for (const register of [
    registerUp,
    registerStatus,
    registerClients,
    registerQuarantine,
    registerRecords,
    registerDegree,
    registerDrill,
    registerSimulate,
  ])
    register(program);
  overrideExit(program);
  return program;
}

function overrideExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExit(child);
}

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== "") note(`redoubt: ${message}`);
    process.exitCode = error instanceof CommandFailure ? error.exitCode : 1;
  }
}
