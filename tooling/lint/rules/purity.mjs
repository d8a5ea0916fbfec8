/**
 * Purity of the cores, the simulator and the misbehaviours: the same inputs give the same outputs, so they have no clock,
 * no chance, no promises and no way out. The compiler refuses most of this as well; `Date`, `Math.random` and `async`
 * are part of the language and only refused here. Imports of `node:` modules are refused by the boundaries.
 */
import { findAll } from "../project.mjs";

const pureFolders = /^packages\/(protocol|simulator|adversary)\//;

/** A word of its own, not the name of a property or of a method: `this.async` and `{ Date: 1 }` are harmless. */
const bannedWords =
  /(?<![.\w$#])(async|await|Date|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|globalThis)(?![\w$]|\??:)/g;
/**
 * These are good names for other things as well: what gives them away is their use, in a file that declares no variable
 * or parameter of the name. (The compiler knows for certain, and refuses the global ones.)
 */
const bannedUses = /(?<![.\w$#])((process|console|performance)(?=\s*(\?\.|[.[]))|fetch(?=\s*\())/g;
const bannedMath = /(?<![\w$])Math\s*\.\s*random(?![\w$])/g;

/**
 * @param {string} bare
 * @param {string} name
 * @returns {boolean} whether the file declares a variable or a parameter of that name
 */
function declares(bare, name) {
  return new RegExp(`(?:\\b(?:const|let|function)\\s+|[({[,]\\s*)${name}\\s*[:=,)}\\]]`).test(bare);
}

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "purity",
  check(project) {
    return project.files
      .filter(({ path, isCode, isTest }) => pureFolders.test(path) && isCode && !isTest)
      .flatMap((file) => [
        ...findAll(file, file.bare, bannedWords, (word) => `${word} has no place in a pure core`),
        ...findAll(file, file.bare, bannedUses, (word) => `${word} has no place in a pure core`).filter(
          ({ message }) => !declares(file.bare, message.split(" ", 1)[0] ?? ""),
        ),
        ...findAll(
          file,
          file.bare,
          bannedMath,
          () => "Math.random has no place in a pure core: use the seeded generator",
        ),
      ]);
  },
};
