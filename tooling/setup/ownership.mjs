/**
 * Gives what root made in somebody else's checkout to that somebody, who otherwise could not set up or build there again.
 */
import { existsSync, lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readWorkspaces } from "./workspaces.mjs";

const madeInPackages = ["node_modules", "dist", ".next", ".turbo", "src/generated", "next-env.d.ts"];

/**
 * @param {string} path
 * @param {number} uid
 * @param {number} gid
 */
function giveAway(path, uid, gid) {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.uid === 0) lchownSync(path, uid, gid);
  if (!stats.isDirectory()) return;
  for (const name of readdirSync(path)) giveAway(join(path, name), uid, gid);
}

/**
 * Does nothing unless this process is root and the checkout is not root's.
 * @param {string} root the checkout
 */
export function restoreOwnership(root) {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = lstatSync(root);
  if (uid === 0) return;
  const made = readWorkspaces(root).flatMap(({ folder }) => madeInPackages.map((name) => join(folder, name)));
  for (const path of ["node_modules", ".turbo", ...made]) {
    if (existsSync(join(root, path))) giveAway(join(root, path), uid, gid);
  }
}
