/**
 * Who may import whom: the table of docs/ARCHITECTURE.md, as data. Whatever is not allowed here is forbidden.
 */

/**
 * @typedef {object} Boundary
 * @property {string} folder that the rule covers, with a slash at its end
 * @property {string[]} ours names of our packages that it may import, subpaths included
 * @property {string[]} [types] names or subpaths of which only types may be imported
 * @property {string[] | "any"} external packages of others; "any" = whatever its package.json lists
 * @property {boolean} node whether it may import `node:` modules; tests always may
 */

/** @type {Boundary[]} */
export const boundaries = [
  { folder: "packages/shared/", ours: [], external: ["zod"], node: false },
  // Only the test kit needs compiler, bundler and generator: what an application imports at run time needs zod alone.
  {
    folder: "packages/application/src/test-kit/",
    ours: ["@redoubt/shared"],
    external: ["zod", "fast-check", "esbuild", "typescript"],
    node: true,
  },
  { folder: "packages/application/", ours: ["@redoubt/shared"], external: ["zod"], node: true },
  {
    folder: "packages/protocol/",
    ours: ["@redoubt/shared"],
    types: ["@redoubt/application"],
    external: [],
    node: false,
  },
  { folder: "packages/adversary/", ours: ["@redoubt/shared", "@redoubt/protocol"], external: [], node: false },
  {
    folder: "packages/simulator/",
    ours: ["@redoubt/shared", "@redoubt/protocol", "@redoubt/application", "@redoubt/adversary"],
    external: [],
    node: false,
  },
  { folder: "packages/client/", ours: ["@redoubt/shared"], external: [], node: true },
  {
    folder: "packages/database/",
    ours: ["@redoubt/shared"],
    external: ["prisma", "@prisma/client", "@prisma/adapter-pg", "@prisma/schema-engine-wasm", "pg"],
    node: true,
  },
  {
    folder: "apps/cluster/",
    ours: [
      "@redoubt/shared",
      "@redoubt/protocol",
      "@redoubt/application",
      "@redoubt/client",
      "@redoubt/database",
      "@redoubt/adversary",
    ],
    external: "any",
    node: true,
  },
  {
    folder: "apps/cli/",
    ours: [
      "@redoubt/shared",
      "@redoubt/client",
      "@redoubt/simulator",
      "@redoubt/adversary",
      "@redoubt/application/test",
    ],
    types: ["@redoubt/cluster/api"],
    external: "any",
    node: true,
  },
  {
    folder: "apps/console/",
    ours: ["@redoubt/shared", "@redoubt/database/auth"],
    types: ["@redoubt/cluster/api"],
    external: "any",
    node: true,
  },
  { folder: "examples/", ours: ["@redoubt/application"], external: ["zod"], node: false },
  { folder: "bench/", ours: ["@redoubt/shared", "@redoubt/client"], external: "any", node: true },
];

/** The only folder of apps/cluster that may import misbehaviour. */
export const drillsFolder = "apps/cluster/src/drills/";

/** Folders of packages/protocol/src that are components; one may not import another. */
export const componentFolders = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
  "health-monitor",
];
