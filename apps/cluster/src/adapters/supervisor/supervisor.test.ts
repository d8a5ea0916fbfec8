import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../testing/temporary-directory.ts";
import { readLines, spawnTypescript } from "../testing/typescript-child.ts";
import { waitUntil } from "../testing/wait.ts";
import {
  endLeftovers,
  freeze,
  isAlive,
  kill,
  listProcessRecords,
  type ProcessEnd,
  type ProcessRecord,
  ProcessSupervisor,
  readProcessIdentity,
  readProcessRecord,
  recordOwnProcess,
  stop,
  thaw,
  writeProcessRecord,
} from "./index.ts";

const PATH = "/usr/bin:/bin";
let scratch: TemporaryDirectory;
let runDirectory: string;
let supervisor: ProcessSupervisor;
let ends: { readonly name: string; readonly end: ProcessEnd }[];

function newSupervisor(): ProcessSupervisor {
  return new ProcessSupervisor({
    runDirectory,
    logDirectory: join(scratch.path, "logs"),
    onEnd: ({ name }, end) => ends.push({ name, end }),
  });
}

beforeEach(() => {
  scratch = temporaryDirectory();
  runDirectory = join(scratch.path, "run");
  ends = [];
  supervisor = newSupervisor();
});

afterEach(async () => {
  supervisor.close();
  await endLeftovers(runDirectory, { graceMs: 0 });
  scratch.remove();
});

function startShell(
  name: string,
  script: string,
  environment: Record<string, string> = { PATH },
): Promise<ProcessRecord> {
  return supervisor.start({ name, command: "/bin/sh", arguments: ["-c", script], environment });
}

function log(name: string): string {
  return readFileSync(join(scratch.path, "logs", `${name}.log`), "utf8");
}

/** Field of /proc/<pid>/stat, counted as in proc(5). */
function statField(pid: number, field: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[field - 3];
}

/** What a process has open, by number. */
function descriptors(pid: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(fd, readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
  return found;
}

/** The command lines of all processes of this machine. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1");
      } catch {
        return "";
      }
    });
}

describe("ProcessSupervisor", () => {
  it("starts a process as a session of its own that inherits nothing but its log", async () => {
    const record = await startShell("server-1", "env; exec sleep 300", { PATH, ONLY: "this" });
    await waitUntil(() => log("server-1").includes("ONLY=this"), "the log");
    expect(statField(record.pid, 6)).toBe(String(record.pid));
    await waitUntil(() => readFileSync(`/proc/${record.pid}/comm`, "utf8") === "sleep\n", "the program");
    const logPath = join(scratch.path, "logs", "server-1.log");
    // What whoever runs the tests left open to all its descendants is not the supervisor's doing.
    const ours = descriptors(process.pid);
    const inherited = [...descriptors(record.pid)].filter(([fd, target]) => Number(fd) < 3 || ours.get(fd) !== target);
    expect(inherited).toEqual([
      ["0", "/dev/null"],
      ["1", logPath],
      ["2", logPath],
    ]);
    expect(log("server-1")).not.toContain("VITEST");
  });

  it("records the process before it runs, with the start time the kernel knows", async () => {
    const record = await startShell("server-1", `cat ${runDirectory}/server-1.json; exec sleep 300`);
    await waitUntil(() => log("server-1").includes("\n"), "the record as the process saw it");
    expect(JSON.parse(log("server-1"))).toEqual(record);
    expect(readProcessRecord(runDirectory, "server-1")).toEqual(record);
    expect(String(record.startTicks)).toBe(statField(record.pid, 22));
    expect(Math.abs(Date.parse(record.startedAt) - Date.now())).toBeLessThan(60_000);
    expect(isAlive(record)).toBe(true);
  });

  it("runs nothing when the record cannot be written", async () => {
    mkdirSync(join(runDirectory, `server-1.json.${process.pid}.tmp`));
    const marker = join(scratch.path, "marker");
    await expect(startShell("server-1", `touch ${marker}; exec sleep 300`)).rejects.toThrow("EISDIR");
    await waitUntil(() => !commandLines().some((line) => line.includes(marker)), "the end of the waiting shell");
    expect(supervisor.watched).toEqual([]);
    expect(existsSync(marker)).toBe(false);
  });

  it("reports how a child ended, and removes its record", async () => {
    await startShell("server-1", "exit 3");
    const second = await startShell("server-2", "exec sleep 300");
    await waitUntil(() => ends.length === 1, "the first end");
    expect(ends[0]).toEqual({ name: "server-1", end: { exitCode: 3, signal: null, adopted: false } });
    expect(kill(second)).toBe(true);
    await waitUntil(() => ends.length === 2, "the second end");
    expect(ends[1]).toEqual({ name: "server-2", end: { exitCode: null, signal: "SIGKILL", adopted: false } });
    expect(listProcessRecords(runDirectory)).toEqual([]);
    expect(supervisor.watched).toEqual([]);
  });

  it("reports a command that cannot be run as ended, with the reason in its log", async () => {
    await supervisor.start({ name: "server-1", command: "/no/such/program", arguments: [], environment: {} });
    await waitUntil(() => ends.length === 1, "the end");
    expect(ends[0]?.end.exitCode).toBe(127);
    expect(log("server-1")).toContain("/no/such/program");
  });

  it("refuses a name that a living process has, or that is no file name; a dead one's name is free again", async () => {
    const first = await startShell("server-1", "exec sleep 300");
    await expect(startShell("server-1", "exec sleep 300")).rejects.toThrow(`already (pid ${first.pid})`);
    await expect(startShell("../server", "true")).rejects.toThrow(/^process name is/);
    kill(first);
    await waitUntil(() => ends.length === 1, "the end");
    const second = await startShell("server-1", "exec sleep 300");
    expect(second.pid).not.toBe(first.pid);
  });

  it("leaves what it started running when it ends, and a later one adopts it and sees its end", {
    timeout: 60_000,
  }, async () => {
    const starter = spawnTypescript(new URL("../testing/supervisor-starter.ts", import.meta.url), [
      scratch.path,
      "server-7",
    ]);
    const lines: string[] = [];
    await readLines(starter, (line) => lines.push(line));
    const record = supervisor.adopt("server-7");
    expect(record?.pid).toBe(Number(lines[0]));
    expect(statField(Number(lines[0]), 4)).not.toBe(String(process.pid));
    expect(supervisor.adoptAll(({ name }) => name.startsWith("server-"))).toEqual([record]);
    expect(ends).toEqual([]);
    kill(record as ProcessRecord);
    await waitUntil(() => ends.length === 1, "the end of the adopted process");
    expect(ends[0]).toEqual({ name: "server-7", end: { exitCode: null, signal: null, adopted: true } });
    expect(supervisor.adopt("server-7")).toBeUndefined();
  });

  it("arms no timer while nothing is adopted", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await startShell("server-1", "exec sleep 300");
    expect(timers()).toBe(before);
  });

  it("kills what an ended server leaves in its group", async () => {
    const record = await startShell("server-1", "sleep 300 & echo $!; wait");
    await waitUntil(() => /^\d+\n/.test(log("server-1")), "the worker");
    const worker = Number(log("server-1"));
    process.kill(record.pid, "SIGKILL");
    await waitUntil(() => readProcessIdentity(worker) === undefined, "the end of the worker");
  });
});

describe("identity", () => {
  it("is not that of another process with the same pid, and nothing is done to that one", async () => {
    const record = await startShell("server-1", "exec sleep 300");
    for (const stranger of [
      { ...record, startTicks: record.startTicks - 1 },
      { ...record, bootId: "another boot" },
    ]) {
      expect(isAlive(stranger)).toBe(false);
      expect(kill(stranger)).toBe(false);
      expect(freeze(stranger)).toBe(false);
      expect(await stop(stranger, { graceMs: 0 })).toBe(true);
    }
    expect(isAlive(record)).toBe(true);
  });

  it("survives a program that gives itself a confusing name", async () => {
    const script = 'process.title = ") Z 1 (x"; console.log("renamed"); setInterval(() => {}, 1000);';
    const start = { name: "server-1", command: process.execPath, arguments: ["-e", script], environment: { PATH } };
    const record = await supervisor.start(start);
    await waitUntil(() => log("server-1").includes("renamed"), "the new name");
    expect(isAlive(record)).toBe(true);
  });

  it("is not alive as a zombie", async () => {
    const record = await startShell("server-1", "sleep 0 & echo $!; exec sleep 300");
    await waitUntil(() => /^\d+\n/.test(log("server-1")), "the child's pid");
    const pid = Number(log("server-1"));
    await waitUntil(() => statField(pid, 3) === "Z", "the zombie");
    expect(readProcessIdentity(pid)).toBeUndefined();
    expect(isAlive({ ...record, pid, startTicks: Number(statField(pid, 22)) })).toBe(false);
  });
});

describe("stopping and freezing", () => {
  it("asks first, and kills after the grace period what does not obey", async () => {
    const polite = await startShell("server-1", 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.01; done');
    const deaf = await startShell("server-2", 'trap "" TERM; echo up; while :; do sleep 0.01; done');
    await waitUntil(() => log("server-1").includes("up") && log("server-2").includes("up"), "both");
    expect(await Promise.all([stop(polite, { graceMs: 10_000 }), stop(deaf, { graceMs: 100 })])).toEqual([true, true]);
    await waitUntil(() => ends.length === 2, "both ends");
    expect(log("server-1")).toContain("bye");
    expect(new Map(ends.map(({ name, end }) => [name, end.signal]))).toEqual(
      new Map([
        ["server-1", null],
        ["server-2", "SIGKILL"],
      ]),
    );
  });

  it("freezes a process with its workers, thaws them, and stops a frozen one", async () => {
    const record = await startShell("server-1", "sleep 300 & echo $!; wait");
    await waitUntil(() => /^\d+\n/.test(log("server-1")), "the worker");
    const worker = Number(log("server-1"));
    expect(freeze(record)).toBe(true);
    await waitUntil(() => statField(record.pid, 3) === "T" && statField(worker, 3) === "T", "both frozen");
    expect(isAlive(record)).toBe(true);
    expect(thaw(record)).toBe(true);
    await waitUntil(() => statField(record.pid, 3) === "S" && statField(worker, 3) === "S", "both thawed");
    freeze(record);
    supervisor.close();
    expect(await stop(record, { graceMs: 5_000 })).toBe(true);
    await waitUntil(() => readProcessIdentity(worker) === undefined, "the end of the worker");
  });
});

describe("endLeftovers", () => {
  it("ends every recorded process that lives, and no other", async () => {
    const first = await startShell("server-1", "exec sleep 300");
    const second = await startShell("server-2", 'trap "" TERM; while :; do sleep 0.01; done');
    const outsider = await startShell("server-3", "exec sleep 300");
    writeProcessRecord(runDirectory, { ...outsider, startTicks: outsider.startTicks + 1 });
    recordOwnProcess(runDirectory, "self");
    const { ended, surviving } = await endLeftovers(runDirectory, { graceMs: 100 });
    expect(ended).toEqual([first, second]);
    expect(surviving).toEqual([]);
    expect([isAlive(first), isAlive(second), isAlive(outsider)]).toEqual([false, false, true]);
    expect(listProcessRecords(runDirectory).map(({ name }) => name)).toEqual(["self"]);
    kill(outsider);
  });

  it("has nothing to do in a folder that does not exist, and leaves files alone that are no records", async () => {
    expect(await endLeftovers(join(scratch.path, "absent"))).toEqual({ ended: [], surviving: [] });
    mkdirSync(runDirectory, { recursive: true });
    const names = ["endpoints.json", "admin.txt"];
    for (const name of names) writeFileSync(join(runDirectory, name), '{"pid": 1}');
    expect(await endLeftovers(runDirectory)).toEqual({ ended: [], surviving: [] });
    expect(readdirSync(runDirectory).sort()).toEqual([...names].sort());
  });
});
