/**
 * Tests run, all of them, and never sleep: a test that waits for a time is slow when it works and wrong when it does not.
 */
import { findAll } from "../project.mjs";

const leftOut = /\.\s*(skip|only|todo|fixme|skipIf|runIf)\s*\(|(?<![.\w$])(xit|xdescribe|fit|fdescribe)\s*\(/g;
const sleeping =
  /waitForTimeout\s*\(|setTimeout\s*\(\s*(resolve|done|ok|r|res)\b|=>\s*setTimeout\s*\(|(?<![.\w$])(sleep|delay)\s*\(/g;

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "tests",
  check(project) {
    return project.files
      .filter(({ isTest }) => isTest)
      .flatMap((file) => [
        ...findAll(file, file.bare, leftOut, (found) => `${found.trim()}…): every test runs, always`),
        ...findAll(file, file.bare, sleeping, () => "a test never sleeps: wait for an event, or poll with vi.waitFor"),
        ...file.imports
          .filter(({ from }) => from === "node:timers/promises")
          .map(({ line }) => ({ file: file.path, line, message: "a test never sleeps: wait for an event instead" })),
      ]);
  },
};
