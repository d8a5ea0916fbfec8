/** On a tree of plain files laid out as the kernel's: what is written where. A kernel is not asked. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { delegatedGroup, makeControlGroup, removeLeftovers } from "./control-groups.ts";
import { probeSandbox } from "./sandbox.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redoubt-groups-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A hierarchy whose service group was handed over, with the shell in its subgroup `servers`. */
function hierarchy({ controllers = "cpuset cpu io memory pids", own = "/service/servers", root = "/" } = {}) {
  const parent = join(folder, "sys/service");
  mkdirSync(join(parent, "servers"), { recursive: true });
  writeFileSync(join(parent, "cgroup.controllers"), `${controllers}\n`);
  writeFileSync(join(parent, "cgroup.subtree_control"), "");
  writeFileSync(join(parent, "cgroup.procs"), "");
  const files = { mountinfo: join(folder, "mountinfo"), cgroup: join(folder, "cgroup") };
  const mount = `30 23 0:26 ${root} ${join(folder, "sys")} rw,relatime - cgroup2 cgroup2 rw\n`;
  writeFileSync(files.mountinfo, `29 23 0:25 / /sys rw - sysfs sysfs rw\n${mount}`);
  writeFileSync(files.cgroup, `4:memory:/\n0::${own}\n`);
  return { parent, files };
}

describe("groups for workers", () => {
  test("lie beside the shell's own group, with the controllers that are needed", () => {
    const { parent, files } = hierarchy();
    expect(delegatedGroup(files)).toBe(parent);
    expect(readFileSync(join(parent, "cgroup.subtree_control"), "utf8")).toBe("+memory+pids+cpu");
  });

  test("are found below the part of the hierarchy that a container sees", () => {
    const { parent, files } = hierarchy({ own: "/machine/box/service/servers", root: "/machine/box" });
    expect(delegatedGroup(files)).toBe(parent);
  });

  test("do not exist where memory cannot be limited, at the root, or without cgroup v2", () => {
    expect(delegatedGroup(hierarchy({ controllers: "hugetlb" }).files)).toBeUndefined();
    expect(delegatedGroup(hierarchy({ own: "/" }).files)).toBeUndefined();
    const { files } = hierarchy();
    writeFileSync(files.mountinfo, "29 23 0:25 / /sys rw - sysfs sysfs rw\n");
    expect(delegatedGroup(files)).toBeUndefined();
    expect(delegatedGroup({ mountinfo: join(folder, "none"), cgroup: join(folder, "none") })).toBeUndefined();
  });

  test("limit memory and tasks, and take processes in", () => {
    const { parent } = hierarchy();
    const group = makeControlGroup(parent, { memoryBytes: 1_000_000, tasks: 80 });
    group.add(4711);
    const [name = ""] = readdirSync(parent).filter((each) => each.startsWith("redoubt-worker-"));
    const value = (file: string): string => readFileSync(join(parent, name, file), "utf8");
    expect([value("memory.max"), value("pids.max"), value("cgroup.procs")]).toEqual(["1000000", "80", "4711"]);
  });

  test("tell the CPU time of everything that was in them, where the kernel does", () => {
    const { parent } = hierarchy();
    const group = makeControlGroup(parent, { memoryBytes: 1_000_000, tasks: 80 });
    expect(group.cpuMs()).toBeUndefined();
    const [name = ""] = readdirSync(parent).filter((each) => each.startsWith("redoubt-worker-"));
    writeFileSync(join(parent, name, "cpu.stat"), "usage_usec 1234500\nuser_usec 1000000\nsystem_usec 234500\n");
    expect(group.cpuMs()).toBe(1_234.5);
  });

  test("are what the sandbox gives each worker, and says", () => {
    const { parent } = hierarchy();
    const none = "/nonexistent";
    const programs = { bubblewrap: none, unshare: none, setpriv: none, prlimit: none };
    const sandbox = probeSandbox(programs, parent);
    expect(sandbox.inForce).toMatchObject({
      controlGroup: true,
      description: expect.stringContaining("control group"),
    });
    sandbox.group(100)?.add(4711);
    const [name = ""] = readdirSync(parent).filter((each) => each.startsWith("redoubt-worker-"));
    expect(readFileSync(join(parent, name, "memory.max"), "utf8")).toBe(String((2 * 100 + 256) * 1024 * 1024));
    expect(probeSandbox(programs, null).group(100)).toBeUndefined();
  });

  test("of shells that have ended are removed, others stay", () => {
    const { parent } = hierarchy();
    // No process has a number that large.
    mkdirSync(join(parent, "redoubt-worker-99999999-1"));
    mkdirSync(join(parent, "redoubt-worker-1-1"));
    removeLeftovers(parent);
    expect(existsSync(join(parent, "redoubt-worker-99999999-1"))).toBe(false);
    expect(existsSync(join(parent, "redoubt-worker-1-1"))).toBe(true);
    expect(existsSync(join(parent, "servers"))).toBe(true);
  });
});
