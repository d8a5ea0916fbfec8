import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLogger } from "./index.ts";

function collect() {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { lines, stream };
}

describe("createLogger", () => {
  it("writes one line of JSON with level, time, process and fields, at once", () => {
    const { lines, stream } = collect();
    const log = createLogger({
      name: "state-replica-1",
      level: "info",
      fields: { component: "state-replica" },
      stream,
    });
    log.warn({ peer: "state-replica-2" }, "link closed");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "warn",
      name: "state-replica-1",
      component: "state-replica",
      pid: process.pid,
      peer: "state-replica-2",
      msg: "link closed",
    });
    expect(String(lines[0]?.time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it("leaves out what is below its level", () => {
    const { lines, stream } = collect();
    const log = createLogger({ name: "x", level: "warn", stream });
    log.info("not written");
    log.debug("not written");
    log.error("written");
    expect(lines.map(({ msg }) => msg)).toEqual(["written"]);
  });

  it("blanks secrets by the name of their field", () => {
    const { lines, stream } = collect();
    const log = createLogger({ name: "x", level: "info", stream });
    log.info({ key: "k1", request: { authorization: "Bearer k2", path: "/v1" } }, "request");
    expect(lines[0]).toMatchObject({ key: "(secret)", request: { authorization: "(secret)", path: "/v1" } });
    expect(JSON.stringify(lines)).not.toMatch(/k1|k2/);
  });
});
