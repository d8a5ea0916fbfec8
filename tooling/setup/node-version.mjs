/**
 * Refuses an old Node with one readable line. Every entry file imports this module first and loads the rest with a
 * dynamic import afterwards, so that an old Node never gets to see syntax it cannot parse; keep this file old-fashioned.
 */

const requiredMajor = 20;
const requiredMinor = 19;

/**
 * Says what is wrong with a Node version, or nothing.
 * @param {string} version such as "20.20.2"
 * @returns {string | undefined} one line with the remedy
 */
export function explainOldNode(version) {
  const parts = version.split(".").map(Number);
  const major = parts[0] || 0;
  const minor = parts[1] || 0;
  const isOld = major < requiredMajor || (major === requiredMajor && minor < requiredMinor);
  if (!isOld) return undefined;
  return `redoubt needs Node ${requiredMajor}.${requiredMinor} or later and this is Node ${version}: install a newer one (https://nodejs.org, or \`nvm install 20\`) and repeat the command`;
}

/** Ends the process with the explanation when this Node is too old. */
export function requireNode() {
  const problem = explainOldNode(process.versions.node);
  if (problem === undefined) return;
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
