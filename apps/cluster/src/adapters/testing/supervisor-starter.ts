/**
 * A process that starts another one and then ends (or waits to be killed), for tests of what happens to the other.
 *
 * Arguments: folder, name. Output: one line, the pid that was started.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { ProcessSupervisor } from "../supervisor/index.ts";

const [directory, name] = process.argv.slice(2);
if (directory === undefined || name === undefined) throw new Error("expected arguments: folder, name");
const supervisor = new ProcessSupervisor({
  runDirectory: join(directory, "run"),
  logDirectory: join(directory, "logs"),
  onEnd: () => undefined,
});
const record = await supervisor.start({
  name,
  command: "/bin/sh",
  arguments: ["-c", "echo started; exec sleep 300"],
  environment: { PATH: "/usr/bin:/bin" },
});
writeSync(1, `${record.pid}\n`);
