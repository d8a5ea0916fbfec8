/** The `redoubt` command. Exit codes: 0 done, 1 refused or failed, 2 usage (DESIGN §8). */
import { CommanderError } from "commander";
import { CommandFailure } from "./failure.ts";
import { note } from "./output.ts";
import { buildProgram } from "./program.ts";

// Whoever reads the output may have read enough: `redoubt status | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

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
