/**
 * The system calls that a worker may not make, with their numbers on x64 and arm64 (asm/unistd.h). Numbers are part of the
 * kernel's promise to programs and never change. What no Node program has a reason to do ends the process: the shell sees
 * SIGSYS, which is evidence from the kernel. What innocent code may try (io_uring, clone3, network interfaces) gets an
 * error as on an older kernel. What is not listed is allowed: a list of what Node needs would break with every release.
 */
export type SystemCallAction = "allow" | "end" | { readonly errno: number };

/** One look at an argument's low 32 bits. The first condition that holds decides. */
export interface SystemCallCondition {
  readonly argument: number;
  readonly test: "equal" | "anyBit";
  readonly value: number;
  readonly action: SystemCallAction;
}

export interface SystemCallRule {
  readonly name: string;
  /** Number of the call; null where the architecture does not have it. */
  readonly x64: number | null;
  readonly arm64: number | null;
  readonly conditions: readonly SystemCallCondition[];
  readonly otherwise: SystemCallAction;
}

const EPERM = { errno: 1 } as const;
const ENOSYS = { errno: 38 } as const;
const EAFNOSUPPORT = { errno: 97 } as const;

const ADDRESS_FAMILY = { unix: 1, netlink: 16 } as const;
const CLONE_THREAD = 0x0001_0000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW_NAMESPACES = 0x7e02_0000;
/** ioctl requests that type into a terminal. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

type Numbers = readonly [name: string, x64: number | null, arm64: number | null];

/** Foreign memory and processes, the kernel itself, mounts and namespaces, keys, the clock. */
const ENDING: readonly Numbers[] = [
  ["ptrace", 101, 117],
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["process_madvise", 440, 440],
  ["pidfd_getfd", 438, 438],
  ["kcmp", 312, 272],
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["open_tree", 428, 428],
  ["move_mount", 429, 429],
  ["fsopen", 430, 430],
  ["fsconfig", 431, 431],
  ["fsmount", 432, 432],
  ["fspick", 433, 433],
  ["mount_setattr", 442, 442],
  ["unshare", 272, 97],
  ["setns", 308, 268],
  ["name_to_handle_at", 303, 264],
  ["open_by_handle_at", 304, 265],
  ["bpf", 321, 280],
  ["perf_event_open", 298, 241],
  ["userfaultfd", 323, 282],
  ["kexec_load", 246, 104],
  ["kexec_file_load", 320, 294],
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["delete_module", 176, 106],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["keyctl", 250, 219],
  ["reboot", 169, 142],
  ["swapon", 167, 224],
  ["swapoff", 168, 225],
  ["acct", 163, 89],
  ["quotactl", 179, 60],
  ["quotactl_fd", 443, 443],
  ["settimeofday", 164, 170],
  ["clock_settime", 227, 112],
  ["clock_adjtime", 305, 266],
  ["sethostname", 170, 161],
  ["setdomainname", 171, 162],
  ["vhangup", 153, 58],
  ["syslog", 103, 116],
  ["fanotify_init", 300, 262],
  ["lookup_dcookie", 212, 18],
  ["nfsservctl", 180, 42],
  ["uselib", 134, null],
  ["iopl", 172, null],
  ["ioperm", 173, null],
  ["modify_ldt", 154, null],
  ["execveat", 322, 281],
  ["fork", 57, null],
  ["vfork", 58, null],
];

/** Harmless for the caller when they fail, and not worth their risk. */
const FAILING: readonly (readonly [...Numbers, SystemCallAction])[] = [
  ["io_uring_setup", 425, 425, ENOSYS],
  ["io_uring_enter", 426, 426, ENOSYS],
  ["io_uring_register", 427, 427, ENOSYS],
  // Its flags lie in memory, where a filter cannot look; glibc falls back to clone.
  ["clone3", 435, 435, ENOSYS],
  ["memfd_create", 319, 279, EPERM],
  ["memfd_secret", 447, 447, EPERM],
  ["pidfd_open", 434, 434, EPERM],
  ["personality", 135, 92, EPERM],
  ["adjtimex", 159, 171, EPERM],
  ["migrate_pages", 256, 238, EPERM],
  ["move_pages", 279, 239, EPERM],
];

const unixOnly = (name: string, x64: number, arm64: number): SystemCallRule => ({
  name,
  x64,
  arm64,
  conditions: [
    { argument: 0, test: "equal", value: ADDRESS_FAMILY.unix, action: "allow" },
    { argument: 0, test: "equal", value: ADDRESS_FAMILY.netlink, action: EAFNOSUPPORT },
  ],
  otherwise: "end",
});

export const SYSTEM_CALL_RULES: readonly SystemCallRule[] = [
  unixOnly("socket", 41, 198),
  unixOnly("socketpair", 53, 199),
  {
    name: "clone",
    x64: 56,
    arm64: 220,
    conditions: [
      { argument: 0, test: "anyBit", value: CLONE_NEW_NAMESPACES, action: "end" },
      { argument: 0, test: "anyBit", value: CLONE_THREAD, action: "allow" },
    ],
    // A second process.
    otherwise: "end",
  },
  {
    name: "ioctl",
    x64: 16,
    arm64: 29,
    conditions: [
      { argument: 1, test: "equal", value: TIOCSTI, action: EPERM },
      { argument: 1, test: "equal", value: TIOCLINUX, action: EPERM },
    ],
    otherwise: "allow",
  },
  ...FAILING.map(([name, x64, arm64, otherwise]) => ({ name, x64, arm64, conditions: [], otherwise })),
  ...ENDING.map(([name, x64, arm64]) => ({ name, x64, arm64, conditions: [], otherwise: "end" as const })),
];
