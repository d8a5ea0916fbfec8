import { describe, expect, it } from "vitest";
import { Metrics } from "./index.ts";

function newMetrics() {
  return new Metrics({ component: "state-replica", server: "state-replica-1" });
}

describe("Metrics", () => {
  it("shows counters and gauges with the values they have when asked, labelled with the process", async () => {
    const metrics = newMetrics();
    let frames = 3;
    metrics.counter({ name: "redoubt_frames_total", help: "Frames received" }, () => frames);
    metrics.gauge(
      { name: "redoubt_pending_bytes", help: "Bytes that wait" },
      () => [
        { labels: { peer: "a" }, value: 1 },
        { labels: { peer: "b" }, value: frames },
      ],
      ["peer"],
    );
    expect(await metrics.exposition()).toContain(
      'redoubt_frames_total{component="state-replica",server="state-replica-1"} 3\n',
    );
    frames = 5;
    const later = await metrics.exposition();
    expect(later).toContain('redoubt_frames_total{component="state-replica",server="state-replica-1"} 5\n');
    expect(later).toContain('redoubt_pending_bytes{peer="b",component="state-replica",server="state-replica-1"} 5\n');
    expect(metrics.contentType).toContain("text/plain");
  });

  it("drops labelled values that are no longer there", async () => {
    const metrics = newMetrics();
    let peers = ["a", "b"];
    const read = () => peers.map((peer) => ({ labels: { peer }, value: 1 }));
    metrics.gauge({ name: "redoubt_connected", help: "Connections" }, read, ["peer"]);
    expect(await metrics.exposition()).toContain('peer="b"');
    peers = ["a"];
    expect(await metrics.exposition()).not.toContain('peer="b"');
  });

  it("shows what the process uses, and keeps no timer for it", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    const text = await newMetrics().exposition();
    expect(timers()).toBe(before);
    for (const name of ["process_resident_memory_bytes", "process_cpu_user_seconds_total", "process_open_fds"]) {
      const value = Number(new RegExp(`^${name}\\{.*\\} (.*)$`, "m").exec(text)?.[1]);
      expect(value, name).toBeGreaterThan(0);
    }
  });

  it("refuses names that do not say whose they are, and counters that do not say what they are", () => {
    const metrics = newMetrics();
    expect(() => metrics.gauge({ name: "bytes", help: "" }, () => 0)).toThrow('metric name is "bytes"');
    expect(() => metrics.counter({ name: "redoubt_frames", help: "" }, () => 0)).toThrow('must end in "_total"');
  });
});
