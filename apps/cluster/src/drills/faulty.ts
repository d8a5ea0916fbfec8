/**
 * A server of any component in bad surroundings (REQUIREMENTS §C, F7–F11), started by an audited order of the manager in place
 * of an honest one: its clock is wrong, its links lose and delay, or its disk fails. The program itself is the honest one. The
 * words behind the file's name say which: `clock <ahead|behind|fast>`, `links <lossy|mute|cut>`, `disk <slow|short|full|error|flip>`.
 */
import { realDisk } from "../adapters/journal/disk.ts";
import { readServerEnvironment, type ServerEnvironment } from "../env.ts";
import { ServerProcess, type ServerProcessHandlers } from "../runtime/server-process.ts";
import { pause } from "./channel.ts";

const HOUR_MS = 3_600_000;
const DRIFT = 0.1;
const LOSS = 0.05;
const DUPLICATION = 0.05;
const DELAY_MAX_MS = 40;
const SLOW_SYNC_MS = 60;
const SHORT_WRITE_BYTES = 100;
/** The server has started by then. */
const DISK_FAILS_AFTER_MS = 1_500;
const DISK_FULL_MS = 3_000;
const FLIPPED_READS = 0.02;

const clocks: Readonly<Record<string, (real: number, startedAt: number) => number>> = {
  ahead: (real) => real + HOUR_MS,
  behind: (real) => real - HOUR_MS,
  fast: (real, startedAt) => real + Math.round(DRIFT * (real - startedAt)),
};

function setClock(how: string): void {
  const real = Date.now.bind(Date);
  const startedAt = real();
  const clock = wanted(clocks, how);
  Date.now = () => clock(real(), startedAt);
}

/** What a process says to the manager and to its node's agent stays whole: they are what watches the drill. */
function breakLinks(how: string): void {
  const { send, sendFrame, open } = ServerProcess.prototype;
  const isWatched = (peer: string): boolean => peer.startsWith("configuration-manager") || peer.startsWith("node-");
  const passOn = (peer: string, pass: () => void): void => {
    if (isWatched(peer)) {
      pass();
      return;
    }
    if (how !== "lossy" || Math.random() < LOSS) return;
    const copies = Math.random() < DUPLICATION ? 2 : 1;
    // Each waits by itself: what was sent first may come last.
    for (let copy = 0; copy < copies; copy++) setTimeout(pass, Math.random() * DELAY_MAX_MS);
  };
  wanted({ lossy: 1, mute: 1, cut: 1 }, how);
  ServerProcess.prototype.send = function (this: ServerProcess, to, message) {
    passOn(to, () => send.call(this, to, message));
  };
  ServerProcess.prototype.sendFrame = function (this: ServerProcess, to, frame) {
    passOn(to, () => sendFrame.call(this, to, frame));
  };
  if (how !== "cut") return;
  ServerProcess.prototype.open = function (this: ServerProcess, handlers: ServerProcessHandlers) {
    const hear: ServerProcessHandlers["onMessage"] = (from, message) => {
      if (isWatched(from.server)) handlers.onMessage(from, message);
    };
    return open.call(this, { ...handlers, onMessage: hear });
  };
}

function failure(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: ${call} (ordered fault)`), { code });
}

function breakDisk(how: string): void {
  const { read, write, dataSync } = realDisk;
  const startedAt = performance.now();
  const hasStarted = (): boolean => performance.now() - startedAt > DISK_FAILS_AFTER_MS;
  const isFull = (): boolean => hasStarted() && performance.now() - startedAt < DISK_FAILS_AFTER_MS + DISK_FULL_MS;
  const disks: Readonly<Record<string, () => void>> = {
    slow: () => {
      realDisk.dataSync = async (descriptor) => {
        await pause(SLOW_SYNC_MS);
        await dataSync(descriptor);
      };
    },
    short: () => {
      realDisk.write = (descriptor, bytes, offset, length, position) =>
        write(descriptor, bytes, offset, Math.min(length, SHORT_WRITE_BYTES), position);
    },
    full: () => {
      realDisk.write = async (...call) => {
        if (isFull()) throw failure("ENOSPC", "write");
        return write(...call);
      };
    },
    error: () => {
      realDisk.dataSync = async (descriptor) => {
        if (hasStarted()) throw failure("EIO", "fdatasync");
        await dataSync(descriptor);
      };
    },
    flip: () => {
      realDisk.read = async (descriptor, bytes, offset, length, position) => {
        const count = await read(descriptor, bytes, offset, length, position);
        const at = offset + Math.floor(Math.random() * count);
        if (hasStarted() && count > 0 && Math.random() < FLIPPED_READS) bytes[at] = (bytes[at] as number) ^ 1;
        return count;
      };
    },
  };
  wanted(disks, how)();
}

const surroundings: Readonly<Record<string, (how: string) => void>> = {
  clock: setClock,
  links: breakLinks,
  disk: breakDisk,
};

function wanted<Value>(choices: Readonly<Record<string, Value>>, name: string): Value {
  const found = Object.hasOwn(choices, name) ? choices[name] : undefined;
  if (found === undefined) throw new Error(`"${name}": one of ${Object.keys(choices).join(", ")} expected`);
  return found;
}

const programs: Readonly<Record<string, () => Promise<(environment: ServerEnvironment) => Promise<void>>>> = {
  "traffic-regulator": async () => (await import("../components/traffic-regulator.ts")).runTrafficRegulator,
  "execution-server": async () => (await import("../components/execution-server.ts")).runExecutionServer,
  "state-replica": async () => (await import("../components/state-replica.ts")).runStateReplica,
  "state-master": async () => (await import("../components/state-master.ts")).runStateMaster,
  "acceptance-test-server": async () =>
    (await import("../components/acceptance-test-server.ts")).runAcceptanceTestServer,
};

const environment = readServerEnvironment();
const [, , what = "", how = ""] = process.argv;
wanted(surroundings, what)(how);
const run = await wanted(programs, environment.component)();
await run(environment);
