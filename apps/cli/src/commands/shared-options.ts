/** Options every command has. */
import { type Command, InvalidArgumentError } from "commander";
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

/** Reads an option's value; commander names the option in front of the error. */
export const wholeNumber =
  (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (/^-?\d{1,15}$/.test(text) && value >= minimum && value <= maximum) return value;
    const end = maximum === Number.MAX_SAFE_INTEGER ? "" : ` to ${maximum}`;
    throw new InvalidArgumentError(`a whole number from ${minimum}${end} expected`);
  };
