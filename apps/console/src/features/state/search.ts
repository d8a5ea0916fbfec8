/**
 * What the state explorer looks for, kept in the URL so that a link shows what its sender saw: objects by the beginning of
 * their names, or versions by who made them and when. Values that cannot be are dropped, never an error. Pure.
 */
export interface Search {
  show: "objects" | "versions";
  prefix: string;
  /** Objects after this name: a later page. */
  after: string;
  /** 64 hex digits, or empty. */
  request: string;
  server: string;
  /** ISO 8601 UTC, or empty. */
  from: string;
  to: string;
  /** Versions from this place on: a later page. */
  before: string;
}

export const noSearch: Search = {
  show: "objects",
  prefix: "",
  after: "",
  request: "",
  server: "",
  from: "",
  to: "",
  before: "",
};

const textLengthMax = 512;
const pageSize = 50;

const requestIdForm = /^[0-9a-f]{64}$/;
const placeForm = /^\d{1,16}(\.\d{1,16}){0,2}$/;

export const isRequestId = (text: string): boolean => requestIdForm.test(text);
/** type/key, as every object is named. */
export const isObjectName = (text: string): boolean => /^[a-z][a-z0-9-]*\/.+$/.test(text);

export function readSearch(query: URLSearchParams): Search {
  const text = (name: string) => (query.get(name) ?? "").trim().slice(0, textLengthMax);
  const formed = (name: string, isFormed: (text: string) => boolean) => (isFormed(text(name)) ? text(name) : "");
  return {
    show: query.get("show") === "versions" ? "versions" : "objects",
    prefix: text("prefix"),
    after: text("after"),
    request: formed("request", isRequestId),
    server: text("server").slice(0, 200),
    from: timeOf(text("from")),
    to: timeOf(text("to")),
    before: formed("before", (place) => placeForm.test(place)),
  };
}

function timeOf(text: string): string {
  const at = Date.parse(text);
  return text === "" || Number.isNaN(at) ? "" : new Date(at).toISOString();
}

const ofObjects = ["prefix", "after"] as const;
const ofVersions = ["request", "server", "from", "to", "before"] as const;

/** The address for a search; what does not belong to what is shown, and what is empty, is left out. */
export function addressOf(search: Search): string {
  const query = new URLSearchParams();
  if (search.show === "versions") query.set("show", "versions");
  for (const name of search.show === "versions" ? ofVersions : ofObjects) {
    if (search[name] !== "") query.set(name, search[name]);
  }
  const text = query.toString();
  return text === "" ? "/state" : `/state?${text}`;
}

export const addressOfRequest = (request: string): string => `/requests/${request}`;
export const addressOfServer = (server: string): string => addressOf({ ...noSearch, show: "versions", server });

/** The page of an object; with a version, and the slot that decided it when it is known, the page that shows this one. */
export function addressOfObject(
  object: string,
  version?: { number: number; epoch: number; slot?: number | null | undefined },
): string {
  const place = `/state/${encodeURIComponent(object)}`;
  if (version === undefined) return place;
  const { number, epoch, slot } = version;
  return `${place}?version=${number}.${epoch}${typeof slot === "number" ? `&slot=${slot}` : ""}`;
}

export function objectsInput({ prefix, after }: Search) {
  return { prefix, limit: pageSize, ...(after === "" ? {} : { after }) };
}

export function versionsInput({ request, server, from, to, before }: Search) {
  return {
    limit: pageSize,
    ...(request === "" ? {} : { requestId: request }),
    ...(server === "" ? {} : { executionServer: server }),
    ...(from === "" ? {} : { from }),
    ...(to === "" ? {} : { to }),
    ...(before === "" ? {} : { before }),
  };
}

/** The command that finds the same. */
export function commandOf(search: Search): string {
  const options =
    search.show === "objects"
      ? [search.prefix, search.after === "" ? "" : `--after ${search.after}`]
      : (["request", "server", "from", "to", "before"] as const).map((name) =>
          search[name] === "" ? "" : `--${name} ${search[name]}`,
        );
  const given = options.filter((option) => option !== "");
  // Without any filter the command lists objects; the newest versions are those since the beginning.
  if (search.show === "versions" && given.length === 0) given.push("--from 1970-01-01T00:00Z");
  return ["npx redoubt state list", ...given].join(" ");
}

/** "2026-03-01T12:00" in the reader's zone, as the browser's own field has it; empty for empty. */
export function toLocalField(iso: string): string {
  if (iso === "") return "";
  const at = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export const fromLocalField = (local: string): string => timeOf(local);
