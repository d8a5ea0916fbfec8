/**
 * No file is longer than 400 lines. Known longer ones are listed with their length in ratchet.json and may only shrink.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("../project.mjs").Project} Project */

export const linesMax = 400;
export const ratchetPath = "tooling/lint/ratchet.json";

/**
 * @param {Project} project
 * @returns {Map<string, number>} lines of each file that is too long
 */
export function longFiles(project) {
  const lengths = project.files
    .filter(({ isCode }) => isCode)
    .map(({ path, text }) => /** @type {const} */ ([path, text.split("\n").length - (text.endsWith("\n") ? 1 : 0)]));
  return new Map(lengths.filter(([, lines]) => lines > linesMax));
}

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "length",
  check(project) {
    const path = join(project.root, ratchetPath);
    /** @type {Record<string, number>} */
    const known = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
    const long = longFiles(project);
    const grown = [...long].flatMap(([file, lines]) => {
      const allowed = known[file] ?? linesMax;
      return lines > allowed
        ? [{ file, line: allowed + 1, message: `${lines} lines, allowed are ${allowed}: split it` }]
        : [];
    });
    const shrunk = Object.entries(known).flatMap(([file, lines]) =>
      (long.get(file) ?? 0) < lines
        ? [{ file: ratchetPath, line: 1, message: `${file} has shrunk: run node tooling/lint/lint.mjs --update` }]
        : [],
    );
    return [...grown, ...shrunk];
  },
};
