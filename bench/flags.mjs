/** Reading the flags of a measurement: what is wrong is said with the usage, and the exit code is 2. */
import { parseArgs } from "node:util";

/** @typedef {{ type: "string", default: string } | { type: "boolean", default: boolean }} Flag */

/**
 * @template {Record<string, Flag>} Flags
 * @param {string} name of the npm script
 * @param {string} usage
 * @param {Flags} options
 */
export function readFlags(name, usage, options) {
  /** @param {string} message @returns {never} */
  const refuse = (message) => {
    process.stderr.write(`${name}: ${message}\n${usage}`);
    process.exit(2);
  };
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean", default: false } } });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    return { flags: /** @type {{ [Name in keyof Flags]: Flags[Name]["default"] }} */ (values), refuse };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}
