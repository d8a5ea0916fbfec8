/**
 * Refuses an old Node with one readable line. Every entry file imports this module first and loads the rest with a
 * dynamic import afterwards, so that an old Node never gets to see syntax it cannot parse; keep this file old-fashioned.
 */

const required = [20, 19];

/**
 * Says what is wrong with a Node version, or nothing.
 * @param {string} version such as "20.20.2"
 * @returns {string | undefined} one line with the remedy
 */
export function explainOldNode(version) {
  const parts = version.split(".").map(Number);
  const isOld = parts[0] < required[0] || (parts[0] === required[0] && parts[1] < required[1]);
  if (!isOld) return undefined;
  return (
    "redoubt needs Node " +
    required.join(".") +
    " or later and this is Node " +
    version +
    ": install a newer one (https://nodejs.org, or `nvm install 20`) and repeat the command"
  );
}

/** Ends the process with the explanation when this Node is too old. */
export function requireNode() {
  const problem = explainOldNode(process.versions.node);
  if (problem === undefined) return;
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
