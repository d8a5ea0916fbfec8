/** The list's filters, kept in the URL so that a link shows what its sender saw. Unknown values are dropped, never an error. Pure. */
import { type QuarantineReason, type QuarantineState, quarantineReasons, quarantineStates } from "@redoubt/shared";
import { undecidedStates } from "./words.ts";

export interface Filters {
  /** "open" stands for everything undecided and is the default. */
  state: "open" | "all" | QuarantineState;
  reason: QuarantineReason | null;
  operation: string;
  client: string;
  host: string;
}

export const noFilters: Filters = { state: "open", reason: null, operation: "", client: "", host: "" };

const textLengthMax = 200;
const pageSize = 200;

export function readFilters(query: URLSearchParams): Filters {
  const state = query.get("state");
  const reason = query.get("reason");
  const text = (name: string) => (query.get(name) ?? "").trim().slice(0, textLengthMax);
  return {
    state: quarantineStates.find((each) => each === state) ?? (state === "all" ? "all" : "open"),
    reason: quarantineReasons.find((each) => each === reason) ?? null,
    operation: text("operation"),
    client: text("client"),
    host: text("host"),
  };
}

/** The query part for these filters; defaults are left out, so the plain page has a plain address. */
export function writeFilters(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.state !== "open") query.set("state", filters.state);
  if (filters.reason !== null) query.set("reason", filters.reason);
  for (const name of ["operation", "client", "host"] as const) {
    if (filters[name] !== "") query.set(name, filters[name]);
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export function listInput(filters: Filters) {
  const { state, reason, operation, client, host } = filters;
  return {
    limit: pageSize,
    ...(state === "all" ? {} : { states: state === "open" ? [...undecidedStates] : [state] }),
    ...(reason === null ? {} : { reasons: [reason] }),
    ...(operation === "" ? {} : { operation }),
    ...(client === "" ? {} : { client }),
    ...(host === "" ? {} : { host }),
  };
}
