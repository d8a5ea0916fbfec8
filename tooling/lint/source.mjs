/**
 * Blanks out comments and the contents of strings, so that rules can look for words of the language without a parser.
 * Line breaks stay where they are, so positions keep their line numbers. It tells a regular expression from a division
 * by what stands before it, which is right for formatted code; a string that is not closed ends with its line, which
 * keeps an apostrophe in the text of a page from swallowing the rest of the file.
 */

const interesting = /["'`/{}]/g;
/** After these a slash begins a regular expression. */
const beforeRegex = /(?:^|[(,=:[!&|?{;+*%~^-]|=>|\breturn|\btypeof|\bcase|\bin|\bof)\s*$/;
const lookBehindLength = 40;

/** @param {string} text */
function blank(text) {
  return text.replace(/[^\n]/g, " ");
}

/**
 * @param {string} text
 * @param {string} end
 * @param {number} from
 * @returns {number} position after the first `end` at or after `from`; the text's end when there is none
 */
function after(text, end, from) {
  const found = text.indexOf(end, from);
  return found === -1 ? text.length : found + end.length;
}

/**
 * @param {string} text
 * @param {number} from
 * @returns {number} position of the line break, or the text's end
 */
function endOfLine(text, from) {
  const found = text.indexOf("\n", from);
  return found === -1 ? text.length : found;
}

/**
 * @param {string} text
 * @param {number} start of a string in single or double quotes
 * @returns {number} where it ends
 */
function endOfString(text, start) {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === text[start]) return index + 1;
    else if (text[index] === "\n") return index;
  }
  return text.length;
}

/**
 * @param {string} text
 * @param {number} start of a slash
 * @returns {number} where the regular expression ends, flags not counted; just after the slash when it is none
 */
function endOfRegex(text, start) {
  let isInClass = false;
  for (let index = start + 1; index < text.length && text[index] !== "\n"; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === "[") isInClass = true;
    else if (text[index] === "]") isInClass = false;
    else if (text[index] === "/" && !isInClass) return index + 1;
  }
  return start + 1;
}

/**
 * @param {string} text
 * @param {number} from a position inside a template
 * @returns {{ end: number, opensExpression: boolean }} where this piece ends: after its backquote, or after a `${`
 */
function endOfTemplate(text, from) {
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === "`") return { end: index + 1, opensExpression: false };
    else if (text[index] === "$" && text[index + 1] === "{") return { end: index + 2, opensExpression: true };
  }
  return { end: text.length, opensExpression: false };
}

/**
 * @param {string} text the source
 * @returns {{ code: string, bare: string }} `code`: comments blanked; `bare`: the contents of strings, templates and
 *   regular expressions blanked too. Both as long as the source.
 */
export function strip(text) {
  /** @type {string[]} */
  const code = [];
  /** @type {string[]} */
  const bare = [];
  /** Depths of braces outside of each open `${`. @type {number[]} */
  const templates = [];
  let recent = "";
  let depth = 0;
  let position = 0;

  /** @param {number} end @param {"keep" | "comment" | "string"} kind */
  function take(end, kind) {
    const part = text.slice(position, end);
    const isLong = kind === "string" && part.length > 1;
    const stripped =
      kind === "comment" ? blank(part) : isLong ? part[0] + blank(part.slice(1, -1)) + part.at(-1) : part;
    code.push(kind === "comment" ? stripped : part);
    bare.push(stripped);
    recent = (recent + stripped).slice(-lookBehindLength);
    position = end;
  }

  /** @param {number} from */
  function takeTemplate(from) {
    const { end, opensExpression } = endOfTemplate(text, from);
    take(end, "string");
    if (opensExpression) {
      templates.push(depth);
      depth += 1;
    }
  }

  /** @param {string} character */
  function takeBrace(character) {
    depth += character === "{" ? 1 : -1;
    if (character === "}" && templates.at(-1) === depth) {
      templates.pop();
      takeTemplate(position + 1);
    } else take(position + 1, "keep");
  }

  while (position < text.length) {
    interesting.lastIndex = position;
    const next = interesting.exec(text);
    take(next === null ? text.length : next.index, "keep");
    if (next === null) break;
    const character = next[0];
    if (character === "{" || character === "}") takeBrace(character);
    else if (character === "`") takeTemplate(position + 1);
    else if (character !== "/") take(endOfString(text, position), "string");
    else if (text[position + 1] === "/") take(endOfLine(text, position), "comment");
    else if (text[position + 1] === "*") take(after(text, "*/", position + 2), "comment");
    else take(beforeRegex.test(recent) ? endOfRegex(text, position) : position + 1, "string");
  }
  return { code: code.join(""), bare: bare.join("") };
}
