/**
 * From the bytes of a body to the input of an operation: size, media type, encoding, strict JSON, the contract's schema.
 * Every problem is a value with a sentence for the client; the text that is hashed is the canonical one.
 */
import type { IncomingMessage } from "node:http";
import type { FieldProblem, InputProblem } from "@redoubt/protocol";
import { canonicalJson } from "@redoubt/shared";
import { parseStrictJson } from "./strict-json.ts";

export type RequestInput =
  | { readonly ok: true; readonly inputText: string; readonly validatedBy: string }
  | { readonly ok: false; readonly problem: InputProblem };

export interface ValidatedInput {
  /** By field; empty when the contract allows it, or has no such operation. */
  readonly problems: readonly FieldProblem[];
  /** Version of the application whose contract was asked. */
  readonly validatedBy: string;
}

/** What is wrong with an input. */
export type ValidateInput = (operation: string, input: unknown) => ValidatedInput;

const problem = (
  status: InputProblem["status"],
  detail: string,
  errors: readonly FieldProblem[] = [],
): RequestInput => ({
  ok: false,
  problem: { status, detail, errors },
});

export const tooLarge = (bytesMax: number): RequestInput =>
  problem(413, `The body must have at most ${bytesMax} bytes.`);

/** `undefined` when the media type is one that is read. */
export function mediaTypeProblem(headers: IncomingMessage["headers"]): RequestInput | undefined {
  const [type = "", ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type.trim()))
    return problem(415, "Content-Type must be application/json.");
  const charset = parameters.map((each) => each.trim()).find((each) => each.startsWith("charset="));
  if (charset !== undefined && charset !== "charset=utf-8" && charset !== 'charset="utf-8"')
    return problem(415, "The charset must be utf-8.");
  const encoding = headers["content-encoding"];
  return encoding === undefined || encoding === "identity"
    ? undefined
    : problem(415, "Content-Encoding must be absent: compressed bodies are not read.");
}

export function readInput(body: Uint8Array, operation: string, validate: ValidateInput): RequestInput {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return problem(400, "The body must be UTF-8.");
  }
  const parsed = parseStrictJson(text);
  if (!parsed.ok) {
    const { position, line, column, message } = parsed.fault;
    return problem(400, `The body must be JSON: ${message} at line ${line}, column ${column} (position ${position}).`, [
      { field: "", expected: message },
    ]);
  }
  const { problems: errors, validatedBy } = validate(operation, parsed.value);
  if (errors.length > 0) return problem(400, sentence(errors), errors);
  return { ok: true, inputText: canonicalJson(parsed.value), validatedBy };
}

const SHOWN_MAX = 8;

const sentence = (errors: readonly FieldProblem[]): string =>
  errors
    .slice(0, SHOWN_MAX)
    .map(({ field, expected, got }) => `${field || "(body)"}: expected ${expected}${got ? `, got ${got}` : ""}`)
    .join("; ");

/**
 * Reads a body of at most `bytesMax` bytes. Resolves to undefined when there are more (the rest is not read) or the client
 * went away.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<{ readonly body: Uint8Array } | "too-large" | "gone"> {
  return new Promise((resolve) => {
    const declared = Number(request.headers["content-length"] ?? 0);
    if (declared > bytesMax) {
      resolve("too-large");
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        request.removeAllListeners("data");
        resolve("too-large");
      } else chunks.push(chunk);
    });
    request.once("end", () => resolve({ body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) }));
    request.once("close", () => resolve("gone"));
    request.once("error", () => resolve("gone"));
  });
}
