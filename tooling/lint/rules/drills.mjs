/**
 * Misbehaviour stays out of production: no file imports a drill or the adversary, except the drills themselves, the
 * adversary's own package, the simulator, and the command that orders drills.
 */

const allowed = [
  /^apps\/cluster\/src\/drills\//,
  /^packages\/(adversary|simulator)\//,
  /^apps\/cli\/src\/commands\/drill[^/]*(\/|$)/,
];

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "drills",
  check(project) {
    return project.files
      .filter(({ path, isTest }) => !isTest && !allowed.some((place) => place.test(path)))
      .flatMap((file) =>
        file.imports
          .filter(({ from }) => /(^|\/)drills\//.test(from) || /^@redoubt\/adversary(\/|$)/.test(from))
          .map(({ from, line }) => ({
            file: file.path,
            line,
            message: `${from} is misbehaviour, kept out of production`,
          })),
      );
  },
};
