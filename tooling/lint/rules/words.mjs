/**
 * Nothing is left half done in the text, and nothing in it depends on one machine: no marks of unfinished work, no
 * switched-off checks, no absolute path of somebody's checkout.
 */
import { findAll } from "../project.mjs";

// The words are put together here so that this file does not find itself.
const unfinished = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`, "g");
const machinePath = /(?<![\w.:/-])\/(work|home\/[a-z][\w-]*|Users\/[A-Za-z][\w-]*)\/[\w.-]/g;
const switchedOff = new RegExp(`@ts-(ignore|nocheck)|biome-${"ignore"}|eslint-disable`, "g");
const expectedError = /@ts-expect-error/g;

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "words",
  check(project) {
    const own = "tooling/lint/rules/words.mjs";
    return project.files
      .filter(({ path }) => path !== own)
      .flatMap((file) => [
        ...findAll(file, file.text, unfinished, (word) => `${word}: finish it or write an issue`),
        ...findAll(file, file.text, machinePath, (path) => `${path}… is a path of one machine`),
        ...findAll(file, file.text, switchedOff, (word) => `${word}: correct the cause instead`),
        ...(file.isTest ? [] : findAll(file, file.text, expectedError, (word) => `${word} is for tests only`)),
      ]);
  },
};
