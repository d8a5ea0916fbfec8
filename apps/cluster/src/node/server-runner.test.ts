import type { ServerOrder } from "@redoubt/shared";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProcessRecord, ProcessSupervisor } from "../adapters/supervisor/index.ts";
import { ServerRunner } from "./server-runner.ts";

/** The manager certifies itself, so that nothing here waits for a certificate. */
const ORDER: ServerOrder = {
  server: "configuration-manager-1",
  component: "configuration-manager",
  port: 1,
  desired: "running",
  incarnation: "1",
  settings: {},
};

/** Processes that never were: their pids are beyond what Linux gives out, so that no signal reaches anything. */
const FIRST_PID = 2 ** 30;

let records: ProcessRecord[];
let runner: ServerRunner;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  records = [];
  const start = ({ name, command }: { name: string; command: string }): Promise<ProcessRecord> => {
    const startedAt = new Date().toISOString();
    const record = { name, command, pid: FIRST_PID + records.length, startedAt } as unknown as ProcessRecord;
    records.push(record);
    return Promise.resolve(record);
  };
  runner = new ServerRunner(ORDER, {
    supervisor: { start } as unknown as ProcessSupervisor,
    tlsFolder: () => "/nowhere",
    authorityPem: "",
    certify: () => Promise.reject(new Error("nobody asks")),
    environment: () => ({}),
    command: () => ["server"],
    changed: () => undefined,
  });
  await runner.start();
});

afterEach(() => {
  vi.useRealTimers();
});

function end(): void {
  runner.ended(records.at(-1) as ProcessRecord, { adopted: false, signal: "SIGKILL", exitCode: null });
}

/** Milliseconds until the next process is there. */
async function pauseMs(): Promise<number> {
  const before = records.length;
  for (let passed = 0; passed <= 10_000; passed += 10) {
    if (records.length > before) return passed;
    await vi.advanceTimersByTimeAsync(10);
  }
  throw new Error("no process was started");
}

describe("a server's next process", () => {
  it("comes after longer and longer pauses when it keeps ending by itself", async () => {
    const pauses: number[] = [];
    for (let times = 0; times < 9; times++) {
      end();
      pauses.push(await pauseMs());
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it("comes at once, however often the manager had the ones before shut down", async () => {
    for (let times = 0; times < 9; times++) {
      runner.shutDown(runner.report.incarnation);
      end();
      expect(await pauseMs()).toBeLessThanOrEqual(10);
    }
    end();
    expect(await pauseMs()).toBe(50);
  });

  it("is not ended by an order about an earlier one", async () => {
    const { incarnation } = runner.report;
    end();
    await pauseMs();
    runner.shutDown(incarnation);
    end();
    expect(await pauseMs()).toBe(100);
  });
});
