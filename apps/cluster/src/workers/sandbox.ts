/**
 * How an application's process is confined (DESIGN §10): by bubblewrap where it works; else by an empty network namespace
 * where one can be made; and always by Node's permission model (files of the bundle only, no child processes, no threads),
 * an empty environment and a memory limit. What is in force is found out by trying it once, and shown to administrators.
 * The permission model alone does not keep a process off the network and is no wall against a hostile native exploit.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";

export interface SandboxInForce {
  readonly bubblewrap: boolean;
  /** The process sees no network at all (bubblewrap includes it). */
  readonly networkNamespace: boolean;
  readonly permissionModel: true;
  /** The kernel ends the process when its shell dies. */
  readonly endsWithShell: boolean;
  /** One sentence for administrators. */
  readonly description: string;
}

export interface SandboxedCommand {
  readonly command: string;
  readonly arguments: readonly string[];
}

export interface SandboxedScript {
  /** Folder the script may read, resolved; it holds the script. */
  readonly directory: string;
  readonly script: string;
  readonly arguments: readonly string[];
  readonly memoryMegabytes: number;
}

export interface Sandbox {
  readonly inForce: SandboxInForce;
  /** The command line that runs a script confined. */
  command(script: SandboxedScript): SandboxedCommand;
}

const PROBE_TIMEOUT_MS = 5_000;
const BUBBLEWRAP = "/usr/bin/bwrap";
const SETPRIV = "/usr/bin/setpriv";
const UNSHARE = "/usr/bin/unshare";

let detected: Sandbox | undefined;

/** The strongest confinement that works on this machine; probed once per process. */
export function detectSandbox(): Sandbox {
  detected ??= probeSandbox();
  return detected;
}

/** What confines an application's processes here. */
export const sandboxInForce = (): SandboxInForce => detectSandbox().inForce;

/** Tries each confinement, the strongest first. */
export function probeSandbox(bubblewrap = BUBBLEWRAP): Sandbox {
  if (works(bubblewrap, [...bubblewrapArguments([]), "--", "/usr/bin/true"])) return bubblewrapSandbox(bubblewrap);
  const namespaces = [["--net"], ["--user", "--map-current-user", "--net"]];
  const namespace = namespaces.find((flags) => works(UNSHARE, [...flags, "--", "/usr/bin/true"]));
  const setpriv = ["--no-new-privs", "--pdeathsig", "KILL", "--"];
  const endsWithShell = works(SETPRIV, [...setpriv, "/usr/bin/true"]);
  const prefix = [...(namespace ? [UNSHARE, ...namespace, "--"] : []), ...(endsWithShell ? [SETPRIV, ...setpriv] : [])];
  const description = namespace
    ? "Node permission model and an empty network namespace (bubblewrap is not available)"
    : "Node permission model only: the network is not restricted (neither bubblewrap nor a network namespace is available)";
  return {
    inForce: {
      bubblewrap: false,
      networkNamespace: namespace !== undefined,
      permissionModel: true,
      endsWithShell,
      description,
    },
    command: (script) => splitCommand([...prefix, process.execPath, ...nodeArguments(script)]),
  };
}

function bubblewrapSandbox(bubblewrap: string): Sandbox {
  const description = "bubblewrap (no network, no files but the application's), and Node permission model";
  return {
    inForce: { bubblewrap: true, networkNamespace: true, permissionModel: true, endsWithShell: true, description },
    command: (script) => {
      const folders = [dirname(process.execPath), script.directory];
      return splitCommand([
        bubblewrap,
        ...bubblewrapArguments(folders),
        "--",
        process.execPath,
        ...nodeArguments(script),
      ]);
    },
  };
}

function bubblewrapArguments(folders: readonly string[]): string[] {
  const readable = folders.flatMap((folder) => ["--ro-bind", folder, folder]);
  const system = ["/lib", "/lib64", "/etc/ld.so.cache"].flatMap((path) => ["--ro-bind-try", path, path]);
  const confinement = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"];
  const identity = ["--uid", "65534", "--gid", "65534"];
  return [
    ...confinement,
    ...identity,
    "--ro-bind",
    "/usr",
    "/usr",
    ...system,
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...readable,
  ];
}

function nodeArguments(script: SandboxedScript): string[] {
  const flags = [...nodePermissionFlags(script.directory), `--max-old-space-size=${script.memoryMegabytes}`];
  return [...flags, script.script, ...script.arguments];
}

/** Flags by which Node lets a script read one folder and nothing else: no other file, no child process, no thread. */
export function nodePermissionFlags(directory: string): string[] {
  const major = Number(process.versions.node.split(".")[0]);
  const permission = major >= 23 ? "--permission" : "--experimental-permission";
  return [permission, `--allow-fs-read=${directory}/*`, "--no-warnings"];
}

function splitCommand(words: readonly string[]): SandboxedCommand {
  const [command = process.execPath, ...rest] = words;
  return { command, arguments: rest };
}

function works(command: string, flags: readonly string[]): boolean {
  if (!existsSync(command)) return false;
  const outcome = spawnSync(command, flags, { env: {}, stdio: "ignore", timeout: PROBE_TIMEOUT_MS });
  return outcome.status === 0;
}
