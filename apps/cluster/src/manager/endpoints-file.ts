/** DATA/run/endpoints.json: where managers are, for the console and the command line, which read it for every request. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface AdministrationEndpoint {
  readonly server: string;
  readonly url: string;
  readonly primary: boolean;
}

export function writeEndpoints(file: string, administration: readonly AdministrationEndpoint[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}.tmp`, `${JSON.stringify({ administration })}\n`, { flush: true });
  renameSync(`${file}.${process.pid}.tmp`, file);
}
