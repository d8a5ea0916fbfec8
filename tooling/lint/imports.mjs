/**
 * Finds what a source imports. Looks for the words in the bare text, where no string or comment can imitate them, and
 * reads the names of modules from the same positions of the text with strings.
 */
import { lineAt } from "./project.mjs";

/**
 * @typedef {object} Import
 * @property {string} from the module's name as written
 * @property {boolean} isType whether nothing of it is left at run time
 * @property {number} line
 */

const statement = /(?<![.\w$])(import|export)\s+(type\s+)?(?:[\w$*\s{},]*?\sfrom\s*|\{[\w$*\s,]*\}\s*from\s*)?(["'])/g;
const call = /(?<![.\w$])(typeof\s+)?(?:import|require)\s*\(\s*(["'`])/g;

/**
 * @param {string} code
 * @param {number} quoteAt position of the opening quote
 * @returns {string}
 */
function stringAt(code, quoteAt) {
  const quote = code[quoteAt] ?? "";
  const end = code.indexOf(quote, quoteAt + 1);
  return code.slice(quoteAt + 1, end);
}

/**
 * @param {{ code: string, bare: string }} source as `strip` returns it
 * @returns {Import[]}
 */
export function importsOf({ code, bare }) {
  return [statement, call].flatMap((pattern) =>
    [...bare.matchAll(pattern)].map((match) => ({
      from: stringAt(code, match.index + match[0].length - 1),
      isType: pattern === call ? match[1] !== undefined : match[2] !== undefined,
      line: lineAt(bare, match.index),
    })),
  );
}
