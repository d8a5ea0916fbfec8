import { describe, expect, test } from "vitest";
import { nextState, REQUEST_EVENTS, REQUEST_STATES, type RequestState, TRANSITIONS } from "./attempts.ts";

describe("the state machine of a request", () => {
  test("says for every state and event what comes next", () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...REQUEST_STATES].sort());
    for (const state of REQUEST_STATES) {
      expect(Object.keys(TRANSITIONS[state]).sort()).toEqual([...REQUEST_EVENTS].sort());
      for (const event of REQUEST_EVENTS) expect(REQUEST_STATES).toContain(nextState(state, event));
    }
  });

  test("never leaves the end", () => {
    for (const event of REQUEST_EVENTS) expect(nextState("ended", event)).toBe("ended");
  });

  test("can reach the end from everywhere", () => {
    for (const state of REQUEST_STATES) {
      const reached = new Set<RequestState>([state]);
      for (const each of reached) for (const event of REQUEST_EVENTS) reached.add(nextState(each, event));
      expect(reached).toContain("ended");
    }
  });

  test("dispatches only what waits, so a second attempt never starts beside a living one", () => {
    for (const state of REQUEST_STATES)
      expect(nextState(state, "dispatched")).toBe(state === "waiting" ? "running" : state);
  });

  test("lets the masters' decisions win in every state", () => {
    for (const state of REQUEST_STATES) {
      const isOver = state === "ended" || state === "fetching";
      expect(nextState(state, "verified")).toBe(isOver ? state : "fetching");
      expect(nextState(state, "closed")).toBe(state === "fetching" ? state : "ended");
    }
  });

  test("rejects only by closing: what is condemned waits for the masters, or is held before they are asked", () => {
    expect(nextState("doomed", "deadCondemned")).toBe("closing");
    expect(nextState("shadowing", "malformed")).toBe("closing");
    for (const event of REQUEST_EVENTS)
      if (event !== "closed" && event !== "verified" && event !== "held")
        expect(nextState("closing", event)).toBe("closing");
    for (const state of REQUEST_STATES) if (state !== "closing") expect(nextState(state, "held")).toBe(state);
  });
});
