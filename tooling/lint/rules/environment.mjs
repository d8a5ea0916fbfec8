/**
 * The environment is parsed once, in the env.ts of each program; everything else gets values from there. Tests,
 * the tools of developers and configuration files start other programs and may look.
 */
import { findAll } from "../project.mjs";

const allowed = [
  /^prisma\/config\.ts$/,
  /^packages\/database\/scripts\//,
  /^apps\/(cluster|cli|console)\/src\/env\.ts$/,
  /^(tooling|e2e)\//,
  /(^|\/)[\w-]+\.config\.\w+$/,
];
const pattern = /(?<![\w$])process\s*(\?\.|\.)\s*env(?![\w$])|(?<![\w$])import\s*\.\s*meta\s*\.\s*env(?![\w$])/g;

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "environment",
  check(project) {
    return project.files
      .filter(({ path, isCode, isTest }) => isCode && !isTest && !allowed.some((place) => place.test(path)))
      .flatMap((file) => findAll(file, file.bare, pattern, () => "the environment is read only in env.ts"));
  },
};
