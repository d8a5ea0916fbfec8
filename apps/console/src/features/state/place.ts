/** Which page of an object's history and which of its versions an address means. Pure. */
import { keyOf } from "./version-tones.ts";

const pageSize = 30;

export interface Place {
  /** A place that an answer gave; empty for the newest. */
  before: string;
  /** `number.epoch` of the version looked at; empty for the newest verified one. */
  version: string;
  /** Slot that decided that version; empty when whoever made the link did not know. */
  slot: string;
}

export function readPlace(query: URLSearchParams): Place {
  const formed = (name: string, form: RegExp) => {
    const text = query.get(name) ?? "";
    return form.test(text) ? text : "";
  };
  const two = /^\d{1,16}\.\d{1,16}$/;
  return { before: formed("before", two), version: formed("version", two), slot: formed("slot", /^\d{1,16}$/) };
}

export function historyInput(object: string, before: string) {
  return { object, limit: pageSize, ...(before === "" ? {} : { before }) };
}

/** Where the page begins on which a version is that the newest page does not show; empty when it is shown, or cannot be found. */
export function pageOf(place: Place, shown: readonly { number: number; epoch: number }[]): string {
  const { before, version, slot } = place;
  if (before !== "" || version === "" || slot === "" || shown.some((each) => keyOf(each) === version)) return "";
  const [number = 0] = version.split(".").map(Number);
  return `${slot}.${number + 1}`;
}
