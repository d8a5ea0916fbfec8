/**
 * Limits for all processes and threads of one worker together, by cgroup v2 where a part of the hierarchy has been handed
 * over to this user (`Delegate=yes` with a subgroup in systemd, a container with its own cgroup namespace): memory with its
 * page cache and no swap, tasks, and less CPU weight than the servers it works for. Elsewhere nothing happens here, and
 * prlimit is all there is. The shell's own group cannot hold workers, since a group with controllers has no processes of
 * its own: workers get groups beside it.
 */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface ControlGroupLimits {
  readonly memoryBytes: number;
  readonly tasks: number;
}

/** One worker's group. */
export interface ControlGroup {
  /** Moves a process in, with everything it starts from then on. */
  add(pid: number): void;
  /** CPU time of everything that has been in it so far, milliseconds; undefined where the kernel does not tell. */
  cpuMs(): number | undefined;
  /** To be called when its processes have ended. */
  remove(): void;
}

const MOUNT = /^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 /m;
const OWN_GROUP = /^0::(.*)$/m;
const REQUIRED = ["memory", "pids"];
const OPTIONAL = ["cpu"];
/** Servers have 100. */
const CPU_WEIGHT = 50;
const NAME = /^redoubt-worker-(\d+)-\d+$/;

/** Where the kernel tells about this process; other paths in tests. */
export interface ProcessFiles {
  readonly mountinfo: string;
  readonly cgroup: string;
}
const OWN_FILES: ProcessFiles = { mountinfo: "/proc/self/mountinfo", cgroup: "/proc/self/cgroup" };

/** The folder of the hierarchy in which groups for workers can be made; undefined where none has been handed over. */
export function delegatedGroup(files: ProcessFiles = OWN_FILES): string | undefined {
  try {
    const [, root = "/", mount = ""] = MOUNT.exec(readFileSync(files.mountinfo, "utf8")) ?? [];
    const [, own] = OWN_GROUP.exec(readFileSync(files.cgroup, "utf8")) ?? [];
    if (mount === "" || own === undefined || own === "/" || !own.startsWith(root)) return undefined;
    const parent = dirname(join(mount, root === "/" ? own : own.slice(root.length)));
    const offered = words(join(parent, "cgroup.controllers"));
    if (!REQUIRED.every((name) => offered.includes(name))) return undefined;
    for (const file of ["", "cgroup.procs", "cgroup.subtree_control"]) accessSync(join(parent, file), constants.W_OK);
    enable(parent, offered);
    return parent;
  } catch {
    // Not handed over, or taken away: then there are no groups.
    return undefined;
  }
}

const words = (file: string): string[] => readFileSync(file, "utf8").trim().split(/\s+/);

function enable(parent: string, offered: readonly string[]): void {
  const control = join(parent, "cgroup.subtree_control");
  const enabled = words(control);
  for (const name of [...REQUIRED, ...OPTIONAL.filter((each) => offered.includes(each))])
    if (!enabled.includes(name)) writeFileSync(control, `+${name}`, { flag: "a" });
}

let groups = 0;

/** A new group with these limits below a delegated one. Throws when the kernel refuses it. */
export function makeControlGroup(parent: string, { memoryBytes, tasks }: ControlGroupLimits): ControlGroup {
  const folder = join(parent, `redoubt-worker-${process.pid}-${++groups}`);
  mkdirSync(folder);
  const write = (file: string, value: number): void => writeFileSync(join(folder, file), String(value));
  write("memory.max", memoryBytes);
  write("pids.max", tasks);
  // It ends as one; without swap there is no such file, without the cpu controller no weight.
  for (const [file, value] of [
    ["memory.oom.group", 1],
    ["memory.swap.max", 0],
    ["cpu.weight", CPU_WEIGHT],
  ] as const)
    if (existsSync(join(folder, file))) write(file, value);
  return {
    add: (pid) => write("cgroup.procs", pid),
    cpuMs: () => cpuMsOf(folder),
    remove: () => removeGroup(folder),
  };
}

const CPU_USED = /^usage_usec (\d+)$/m;

function cpuMsOf(folder: string): number | undefined {
  try {
    const [, used] = CPU_USED.exec(readFileSync(join(folder, "cpu.stat"), "latin1")) ?? [];
    return used === undefined ? undefined : Number(used) / 1_000;
  } catch {
    return undefined;
  }
}

/** Groups of shells that are no more; one in which something still runs stays. */
export function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = NAME.exec(name) ?? [];
    if (pid !== undefined && Number(pid) !== process.pid && !existsSync(`/proc/${pid}`))
      removeGroup(join(parent, name));
  }
}

function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something in it has not ended yet: whoever comes next removes it.
  }
}
