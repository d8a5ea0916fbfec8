/** The part of the native schema engine's command line that Prisma's own command uses. */
import { parseArgs } from "node:util";

/**
 * @param {string[]} argv
 * @returns {{showVersion: boolean, command: string | undefined, url: string | undefined,
 *   shadowUrl: string | undefined, datamodelFiles: string[] | undefined}}
 *   `command` is set for `cli <command>`; otherwise the engine serves JSON-RPC.
 */
export function parseEngineArguments(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    strict: false,
    options: {
      datasource: { type: "string" },
      datamodels: { type: "string", multiple: true },
      version: { type: "boolean", short: "V" },
      "enabled-preview-features": { type: "string" },
      "extension-types": { type: "string" },
    },
  });
  const datasource = values.datasource === undefined ? {} : JSON.parse(values.datasource);
  return {
    showVersion: values.version === true,
    command: positionals[0] === "cli" ? (positionals[1] ?? "") : undefined,
    url: datasource.url,
    shadowUrl: datasource.shadowDatabaseUrl,
    datamodelFiles: values.datamodels,
  };
}
