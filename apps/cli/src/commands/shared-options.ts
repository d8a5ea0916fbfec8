/** Options every command has. */
import type { Command } from "commander";
import { readEnvironment } from "../env.ts";

export interface CommonOptions {
  readonly data: string;
  readonly json: boolean;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option("--data <dir>", "data folder of the cluster (environment: REDOUBT_DATA)", readEnvironment().data)
    .option("--json", "one line of JSON on standard output", false);
}
