/**
 * Mutants as patch files: `patches/<name>.patch`. The first line says what is wrong, `world` lines say where it must show,
 * then come the changes, a block per place:
 *
 *     The reply leaves when t+1 members hold the change, not all
 *     world ambush 1-4
 *     file packages/protocol/src/traffic-regulator/release.ts
 *     -  if (missing.length > 0) return …
 *     +  if (missing.length > question.faultsTolerated) return …
 *
 * Lines that begin with a space or a minus are looked for as they stand, one after the other; they have to be in the file
 * exactly once. In their place come those that begin with a space or a plus. `@@` parts two places in one file.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Scenario
 * @property {string} world name in `WORLDS` of the simulator
 * @property {number} from first seed
 * @property {number} through last seed
 */

/**
 * @typedef {object} Replacement
 * @property {string} file relative to the root
 * @property {string} search
 * @property {string} replace
 */

/**
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} title what is wrong
 * @property {Scenario[]} scenarios
 * @property {Replacement[]} replacements
 */

/**
 * @param {string} name for messages
 * @param {string} text of the patch file
 * @returns {Mutant}
 */
export function parsePatch(name, text) {
  const [title = "", ...lines] = text.trimEnd().split("\n");
  /** @type {Scenario[]} */
  const scenarios = [];
  /** @type {Replacement[]} */
  const replacements = [];
  let file = "";
  /** @type {string[]} */
  let search = [];
  /** @type {string[]} */
  let replace = [];
  const close = () => {
    if (search.length === 0 && replace.length === 0) return;
    if (search.length === 0) throw new Error(`${name}: a change has nothing to look for`);
    replacements.push({ file, search: search.join("\n"), replace: replace.join("\n") });
    search = [];
    replace = [];
  };
  for (const line of lines) {
    const world = /^world (\S+) (\d+)-(\d+)$/.exec(line);
    if (world) scenarios.push({ world: world[1] ?? "", from: Number(world[2]), through: Number(world[3]) });
    else if (line.startsWith("file ") || line === "@@") {
      close();
      if (line !== "@@") file = line.slice("file ".length);
    } else if (line.startsWith("-")) search.push(line.slice(1));
    else if (line.startsWith("+")) replace.push(line.slice(1));
    else if (line.startsWith(" ")) {
      search.push(line.slice(1));
      replace.push(line.slice(1));
    } else throw new Error(`${name}: what is "${line}"?`);
  }
  close();
  if (scenarios.length === 0) throw new Error(`${name}: no world is named`);
  if (replacements.length === 0) throw new Error(`${name}: nothing is changed`);
  return { name, title, scenarios, replacements };
}

/**
 * @param {string} folder
 * @returns {Mutant[]} by name
 */
export function readMutants(folder) {
  return readdirSync(folder)
    .filter((entry) => entry.endsWith(".patch"))
    .sort()
    .map((entry) => parsePatch(entry.slice(0, -".patch".length), readFileSync(join(folder, entry), "utf8")));
}

/**
 * The sources a mutant changes, changed. Throws when a change does not apply exactly once.
 * @param {string} root of the project
 * @param {Mutant} mutant
 * @returns {Map<string, string>} new text by absolute path
 */
export function applyPatch(root, mutant) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  for (const { file, search, replace } of mutant.replacements) {
    const path = join(root, file);
    const text = texts.get(path) ?? readFileSync(path, "utf8");
    const padded = `\n${text}`;
    const parts = padded.split(`\n${search}\n`);
    if (parts.length !== 2) {
      throw new Error(`${mutant.name}: found ${parts.length - 1} times in ${file}, expected once:\n${search}`);
    }
    texts.set(path, `${parts[0]}\n${replace}\n${parts[1]}`.slice(1));
  }
  return texts;
}
