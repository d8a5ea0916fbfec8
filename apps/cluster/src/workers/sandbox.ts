/**
 * How an application's process is confined (DESIGN §10, ADR 0015), in layers: Node's permission model everywhere; around it
 * bubblewrap with a seccomp filter where it works, else namespaces of its own where they can be made; limits of the kernel
 * where prlimit is installed; always an empty environment. What is in force is found out by trying it once, and shown to
 * administrators. The permission model alone does not keep a process off the network and is no wall against a hostile
 * native exploit; the layers around it are made for that.
 */
import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { type ControlGroup, delegatedGroup, makeControlGroup, removeLeftovers } from "./control-groups.ts";
import { isFilteredArchitecture, workerFilter } from "./seccomp/filter.ts";

export interface SandboxInForce {
  readonly bubblewrap: boolean;
  /** System calls are filtered by the kernel; a forbidden one ends the process. */
  readonly seccomp: boolean;
  /** The process sees no network at all (bubblewrap includes it). */
  readonly networkNamespace: boolean;
  /** It sees no process but its own. */
  readonly processNamespace: boolean;
  readonly permissionModel: true;
  /** The kernel bounds memory, core dumps and files written. */
  readonly resourceLimits: boolean;
  /** Memory and tasks of a worker as a whole are bounded by a cgroup. */
  readonly controlGroup: boolean;
  /** The kernel ends the process when its shell dies. */
  readonly endsWithShell: boolean;
  /** One sentence for administrators. */
  readonly description: string;
}

export interface SandboxedCommand {
  readonly command: string;
  readonly arguments: readonly string[];
  /** To be written to its standard input, which then ends: the seccomp program, read before anything is run. */
  readonly input?: Uint8Array;
}

export interface SandboxedScript {
  /** Folder the script may read, resolved; it holds the script. */
  readonly directory: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly memoryMegabytes: number;
  /** A CommonJS file of the folder that is loaded first, in the process and in each of its threads. */
  readonly preload?: string;
  /** It may start threads, each confined as the process is. */
  readonly threads?: boolean;
}

export interface Sandbox {
  readonly inForce: SandboxInForce;
  /** The command line that runs a script confined. */
  command(script: SandboxedScript): SandboxedCommand;
  /** Limits for one worker as a whole, where a cgroup can be made; it has to be told what to hold. */
  group(memoryMegabytes: number): ControlGroup | undefined;
}

/** The programs it is made with; one that does not exist is done without. */
export interface SandboxPrograms {
  readonly bubblewrap: string;
  readonly unshare: string;
  readonly setpriv: string;
  readonly prlimit: string;
}

export const SANDBOX_PROGRAMS: SandboxPrograms = {
  bubblewrap: "/usr/bin/bwrap",
  unshare: "/usr/bin/unshare",
  setpriv: "/usr/bin/setpriv",
  prlimit: "/usr/bin/prlimit",
};

const PROBE_TIMEOUT_MS = 5_000;
const BYTES_PER_MEGABYTE = 1024 * 1024;
/** A process needs about 50 MB besides its heap, and 14 for each thread; buffers lie outside of every heap. */
const DATA_MEGABYTES = 256;
/** Of a worker: about a dozen of Node's own, and those the application starts. */
const TASKS_MAX = 64;
/** Descriptor from which bubblewrap reads the filter. */
const FILTER_DESCRIPTOR = "0";

let detected: Sandbox | undefined;

/** The strongest confinement that works on this machine; probed once per process. */
export function detectSandbox(): Sandbox {
  detected ??= probeSandbox();
  return detected;
}

/** What confines an application's processes here. */
export const sandboxInForce = (): SandboxInForce => detectSandbox().inForce;

/** Tries each confinement, the strongest first. `groups`: folder below which each worker gets a cgroup; null: none. */
export function probeSandbox(programs: Partial<SandboxPrograms> = {}, groups: string | null = usableGroups()): Sandbox {
  const all = { ...SANDBOX_PROGRAMS, ...programs };
  return probeBubblewrap(all, groups) ?? probeNamespaces(all, groups);
}

/** The part of the hierarchy that was handed over, if a group can be made in it. */
function usableGroups(): string | null {
  const groups = delegatedGroup();
  if (groups === undefined) return null;
  removeLeftovers(groups);
  const trial = groupIn(groups, 0);
  trial?.remove();
  return trial ? groups : null;
}

function groupIn(groups: string | null, memoryMegabytes: number): ControlGroup | undefined {
  if (groups === null) return undefined;
  try {
    return makeControlGroup(groups, { memoryBytes: dataBytes(memoryMegabytes), tasks: TASKS_MAX });
  } catch {
    // Taken away meanwhile: the other layers still hold.
    return undefined;
  }
}

/** A way to run a command line confined; `limits` go innermost, so that they count from inside a namespace. */
interface Wrapping {
  readonly outer: readonly string[];
  readonly input?: Uint8Array;
}

function probeBubblewrap({ bubblewrap, prlimit }: SandboxPrograms, groups: string | null): Sandbox | undefined {
  const filter = isFilteredArchitecture(process.arch) ? workerFilter(process.arch) : undefined;
  const hasLimits = works({ outer: [] }, limitWords(prlimit, 0));
  const outer = (readable: readonly string[], isFiltered: boolean): string[] => [
    ...[bubblewrap, ...bubblewrapArguments([...readable, process.execPath, ...(hasLimits ? [prlimit] : [])])],
    ...(isFiltered ? ["--seccomp", FILTER_DESCRIPTOR] : []),
    "--",
  ];
  const candidates = filter ? [filter, undefined] : [undefined];
  for (const input of candidates) {
    const wrapping = (readable: readonly string[]): Wrapping => ({
      outer: outer(readable, input !== undefined),
      ...(input && { input }),
    });
    if (!works(wrapping([]))) continue;
    const inForce = {
      ...{ bubblewrap: true, seccomp: input !== undefined, networkNamespace: true, processNamespace: true },
      ...{ resourceLimits: hasLimits, endsWithShell: true },
      permissionModel: true,
      controlGroup: groups !== null,
    } as const;
    const limits = (script: SandboxedScript) => (hasLimits ? limitWords(prlimit, script.memoryMegabytes, true) : []);
    return sandboxOf(inForce, (script) => wrapping([script.directory]), limits, groups);
  }
  return undefined;
}

/** Without bubblewrap: a network and a table of processes of its own, no capabilities, as far as this user may. */
function probeNamespaces({ unshare, setpriv, prlimit }: SandboxPrograms, groups: string | null): Sandbox {
  const death = [setpriv, "--pdeathsig", "KILL"];
  const strip = [...death, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"];
  const still = [...death, "--no-new-privs", "--"];
  const own = ["--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL"];
  const user = ["--user", "--map-current-user"];
  const namespaces = [[...own, "--net"], [...user, ...own, "--net"], ["--net"], [...user, "--net"], []];
  const ways = namespaces.flatMap((flags) => {
    const enter = flags.length > 0 ? [unshare, ...flags, "--"] : [];
    const tied = flags.includes("--fork") ? [...death, "--", ...enter] : enter;
    return [
      { outer: [...tied, ...strip], flags },
      { outer: [...tied, ...still], flags },
      { outer: enter, flags },
    ];
  });
  const way = ways.find((each) => works(each));
  const flags = way?.flags ?? [];
  const outer = way?.outer ?? [];
  const hasLimits = works({ outer }, limitWords(prlimit, 0));
  const inForce = {
    ...{ bubblewrap: false, seccomp: false, networkNamespace: flags.includes("--net") },
    ...{ processNamespace: flags.includes("--pid"), resourceLimits: hasLimits },
    endsWithShell: outer.includes("--pdeathsig"),
    permissionModel: true,
    controlGroup: groups !== null,
  } as const;
  const limits = (script: SandboxedScript) => (hasLimits ? limitWords(prlimit, script.memoryMegabytes) : []);
  return sandboxOf(inForce, () => ({ outer }), limits, groups);
}

function sandboxOf(
  inForce: Omit<SandboxInForce, "description">,
  wrap: (script: SandboxedScript) => Wrapping,
  limits: (script: SandboxedScript) => readonly string[],
  groups: string | null,
): Sandbox {
  return {
    group: (memoryMegabytes) => groupIn(groups, memoryMegabytes),
    inForce: { ...inForce, description: describe(inForce) },
    command(script) {
      const { outer, input } = wrap(script);
      const [command = process.execPath, ...words] = [
        ...outer,
        ...limits(script),
        process.execPath,
        ...nodeArguments(script),
      ];
      return { command, arguments: words, ...(input && { input }) };
    },
  };
}

function describe(inForce: Omit<SandboxInForce, "description">): string {
  const { bubblewrap, seccomp, networkNamespace, processNamespace, resourceLimits } = inForce;
  const layers = [
    ...(bubblewrap ? ["bubblewrap (no network, no files but the application's, no other process)"] : []),
    ...(bubblewrap && seccomp ? ["a seccomp filter"] : []),
    ...(!bubblewrap && networkNamespace ? ["an empty network namespace"] : []),
    ...(!bubblewrap && processNamespace ? ["a process namespace"] : []),
    "Node's permission model",
    ...(resourceLimits ? ["limits of the kernel"] : []),
    ...(inForce.controlGroup ? ["a control group"] : []),
  ];
  const missing = [
    ...(bubblewrap ? [] : ["bubblewrap is not available"]),
    ...(bubblewrap && !seccomp ? ["system calls are not filtered"] : []),
    ...(networkNamespace ? [] : ["the kernel does not keep it off the network"]),
    ...(processNamespace ? [] : ["the kernel does not keep it from signalling other processes of the same user"]),
  ];
  return `${layers.join(", ")}${missing.length > 0 ? `; ${missing.join("; ")}` : ""}`;
}

/** Everything of its own, and of the machine's files the given ones and what a dynamically linked program needs. */
export function bubblewrapArguments(readable: readonly string[]): string[] {
  const libraries = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"];
  return [
    ...["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL", "--clearenv"],
    ...["--uid", "65534", "--gid", "65534", "--hostname", "worker"],
    ...libraries.flatMap((path) => ["--ro-bind-try", path, path]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...readable.flatMap((path) => ["--ro-bind", realpathSync(path), path]),
    // What was mounted stays as it is: a folder made on the way belongs to nobody.
    ...["--remount-ro", "/", "--chdir", "/"],
  ];
}

/** Of a worker with a heap of this size: its threads' heaps and its buffers are bounded together with it. */
const dataBytes = (memoryMegabytes: number): number => (2 * memoryMegabytes + DATA_MEGABYTES) * BYTES_PER_MEGABYTE;

/** `isOwnUser`: tasks are counted by themselves, not with all others of this user. */
function limitWords(prlimit: string, memoryMegabytes: number, isOwnUser = false): string[] {
  return [
    prlimit,
    ...["--core=0", "--fsize=0", `--data=${dataBytes(memoryMegabytes)}`],
    ...(isOwnUser ? [`--nproc=${TASKS_MAX}`] : []),
    "--",
  ];
}

function nodeArguments(script: SandboxedScript): string[] {
  const { directory, preload, threads, memoryMegabytes } = script;
  return [
    ...nodePermissionFlags(directory, threads),
    `--max-old-space-size=${memoryMegabytes}`,
    ...(preload === undefined ? [] : ["--require", preload]),
    script.script,
    ...script.arguments,
  ];
}

/** Flags by which Node lets a script read one folder and nothing else: no other file, no child process; threads if told. */
export function nodePermissionFlags(directory: string, threads = false): string[] {
  const major = Number(process.versions.node.split(".")[0]);
  const permission = major >= 23 ? "--permission" : "--experimental-permission";
  return [permission, `--allow-fs-read=${directory}/*`, ...(threads ? ["--allow-worker"] : []), "--no-warnings"];
}

function works({ outer, input }: Wrapping, limits: readonly string[] = []): boolean {
  const [command = process.execPath, ...words] = [...outer, ...limits, process.execPath, "--version"];
  if (!existsSync(command)) return false;
  const outcome = spawnSync(command, words, {
    env: {},
    timeout: PROBE_TIMEOUT_MS,
    stdio: [input ? "pipe" : "ignore", "ignore", "ignore"],
    ...(input && { input }),
  });
  return outcome.status === 0;
}
