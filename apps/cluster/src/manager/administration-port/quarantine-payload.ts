/** The bytes of a quarantined request for the inert viewer: bounded, and with confidential fields masked unless somebody gave a reason. */
import type { ContractJson } from "@redoubt/application";
import type { QuarantinePayload } from "../../administration/index.ts";

const BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 32;
const MASK = "••••••";

export function maskPayload(
  contract: ContractJson,
  requestId: string,
  text: string,
  unmask: boolean,
): QuarantinePayload {
  const masked = new Set<string>();
  const shown = unmask ? text : maskText(text, confidentialNames(contract), masked);
  const bytes = Buffer.from(shown);
  return {
    requestId,
    contentType: "application/json",
    sizeBytes: Buffer.byteLength(text),
    bytesBase64: bytes.subarray(0, BYTES_MAX).toString("base64"),
    truncated: bytes.length > BYTES_MAX,
    maskedFields: [...masked],
    matched: [],
  };
}

/** Names of fields that some object keeps confidential: an input field of that name is taken to hold the same kind of thing. */
const confidentialNames = (contract: ContractJson): ReadonlySet<string> =>
  new Set(Object.values(contract.objects).flatMap(({ confidential }) => confidential.map(({ field }) => field)));

function maskText(text: string, names: ReadonlySet<string>, masked: Set<string>): string {
  try {
    return JSON.stringify(maskValue(JSON.parse(text), names, masked, "", 0));
  } catch {
    // What is no JSON cannot be masked field by field: it is not shown at all without a reason.
    masked.add("whole payload");
    return MASK;
  }
}

function maskValue(
  value: unknown,
  names: ReadonlySet<string>,
  masked: Set<string>,
  path: string,
  depth: number,
): unknown {
  if (depth > DEPTH_MAX) return "…";
  if (Array.isArray(value))
    return value.map((item, index) => maskValue(item, names, masked, `${path}/${index}`, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (!names.has(name)) return [name, maskValue(item, names, masked, `${path}/${name}`, depth + 1)];
      masked.add(`${path}/${name}`);
      return [name, MASK];
    }),
  );
}
