import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildTargets } from "./build.mjs";
import { entryFor, missingOptionals } from "./complete-lock.mjs";
import { isInstalledAsLocked } from "./install.mjs";
import { explainOldNode } from "./node-version.mjs";
import { scripts } from "./scripts.mjs";
import { projectRoot, readManifest } from "./workspaces.mjs";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "redoubt-setup-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
}

describe("explainOldNode", () => {
  test.each(["18.20.4", "20.18.3", "0.12.0"])("refuses %s with one line that names the remedy", (version) => {
    const explanation = explainOldNode(version);
    expect(explanation).toContain(`20.19 or later and this is Node ${version}: install`);
    expect(explanation).not.toContain("\n");
  });

  test.each(["20.19.0", "20.20.2", "22.0.0", "26.1.0"])("accepts %s", (version) => {
    expect(explainOldNode(version)).toBeUndefined();
  });
});

describe("isInstalledAsLocked", () => {
  const zod = { "node_modules/zod": { version: "4.6.7" } };

  test("accepts what a plain npm install made", () => {
    write("package-lock.json", {
      packages: { "": {}, ...zod, "node_modules/other-os": { version: "1.0.0", optional: true } },
    });
    write("node_modules/.package-lock.json", { packages: zod });
    write("node_modules/zod/package.json", {});
    expect(isInstalledAsLocked(root)).toBe(true);
  });

  test.each([
    ["another version", { "node_modules/zod": { version: "4.6.6" } }],
    ["a missing package", {}],
  ])("refuses %s", (_, present) => {
    write("package-lock.json", { packages: zod });
    write("node_modules/.package-lock.json", { packages: present });
    write("node_modules/zod/package.json", {});
    expect(isInstalledAsLocked(root)).toBe(false);
  });

  test("refuses a folder that somebody emptied by hand", () => {
    write("package-lock.json", { packages: zod });
    write("node_modules/.package-lock.json", { packages: zod });
    expect(isInstalledAsLocked(root)).toBe(false);
  });
});

describe("buildTargets", () => {
  beforeEach(() => {
    write("package.json", { workspaces: ["apps/*", "packages/*"] });
    write("packages/shared/package.json", { name: "@redoubt/shared", scripts: { build: "tsc" } });
    write("packages/shared/src/index.ts", "export const a = 1;");
    write("packages/client/package.json", {
      name: "@redoubt/client",
      scripts: { build: "tsc" },
      dependencies: { "@redoubt/shared": "0.1.0" },
    });
    write("apps/console/package.json", { name: "@redoubt/console", scripts: { build: "next build" } });
  });

  function fingerprints(): Record<string, string> {
    return Object.fromEntries([...buildTargets(root, "all")].map(([name, target]) => [name, target.fingerprint]));
  }

  test("a changed source makes its package and those that use it stale, and no other", () => {
    const before = fingerprints();
    write("packages/shared/src/index.ts", "export const a = 2;");
    const after = fingerprints();
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed.sort()).toEqual(["@redoubt/client", "@redoubt/shared"]);
  });

  test.each([
    ["tests", "src/index.test.ts"],
    ["build results", "dist/index.js"],
    ["documents", "README.md"],
  ])("%s make nothing stale", (_, path) => {
    const before = fingerprints();
    write(`packages/shared/${path}`, "changed");
    expect(fingerprints()).toEqual(before);
  });

  test("a changed lock file makes everything stale", () => {
    const before = fingerprints();
    write("package-lock.json", {});
    const after = fingerprints();
    expect(Object.keys(after).filter((name) => after[name] === before[name])).toEqual([]);
  });

  test("the console is left out on request, and everything where only packages are wanted", () => {
    expect([...buildTargets(root, "no-console").keys()]).toEqual(["@redoubt/client", "@redoubt/shared"]);
    expect([...buildTargets(root, "packages").keys()]).toEqual([]);
  });
});

describe("completing a lock file", () => {
  test("finds optional packages without an entry, wherever npm would look for them", () => {
    const packages = {
      "node_modules/a": {
        version: "1.0.0",
        optionalDependencies: { "x-linux-x64": "1.0.0", "x-darwin-arm64": "1.0.0" },
      },
      "node_modules/a/node_modules/x-linux-x64": { version: "1.0.0" },
    };
    expect(missingOptionals(packages)).toEqual([
      { path: "node_modules/x-darwin-arm64", name: "x-darwin-arm64", version: "1.0.0" },
    ]);
  });

  test.each([
    ["@turbo/windows-64", { cpu: ["x64"], os: ["win32"] }],
    ["@biomejs/cli-linux-x64-musl", { cpu: ["x64"], os: ["linux"], libc: ["musl"] }],
    ["@tailwindcss/oxide-wasm32-wasi", { cpu: ["wasm32"] }],
  ])("reads the platform of %s off its name", (name, platform) => {
    expect(entryFor(name, "1.2.3")).toEqual({ version: "1.2.3", optional: true, ...platform });
  });

  test("guesses no platform", () => {
    expect(entryFor("fsevents", "2.3.3")).toBeUndefined();
  });
});

test("every npm script of the root goes through the set-up", () => {
  const { setup, ...others } = readManifest(join(projectRoot, "package.json")).scripts ?? {};
  expect(setup).toBe("node tooling/setup/setup.mjs");
  expect(Object.keys(others).sort()).toEqual(Object.keys(scripts).sort());
  for (const [name, command] of Object.entries(others)) expect(command).toBe(`node tooling/setup/run.mjs ${name}`);
});
