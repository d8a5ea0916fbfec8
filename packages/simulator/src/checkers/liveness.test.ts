import { expect, test } from "vitest";
import { healthyHistory, invariantsOf, lastOf, tampered } from "./history.test-support.ts";
import { checkLiveness } from "./liveness.ts";

test("a healthy history passes", () => {
  expect(checkLiveness(healthyHistory())).toEqual([]);
});

test("a request without an answer is found", () => {
  const history = tampered((draft) => {
    lastOf(draft, "read").completedAt = undefined;
  });
  expect(invariantsOf(checkLiveness(history))).toEqual(["liveness"]);
});

test("an honest request that was rejected is found: a bystander was harmed", () => {
  const history = tampered((draft) => {
    lastOf(draft, "deposit").status = 403;
  });
  expect(invariantsOf(checkLiveness(history))).toEqual(["bystander"]);
});

test("an attack that was answered otherwise than with a rejection is found (I2)", () => {
  const history = tampered((draft) => {
    lastOf(draft, "deposit").operation = "crash";
  });
  expect(invariantsOf(checkLiveness(history))).toEqual(["I2"]);
});
