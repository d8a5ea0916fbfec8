import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildProgram } from "./program.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redoubt-command-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly error: unknown;
  readonly errors: string;
  readonly output: string;
}

async function run(...args: string[]): Promise<Ran> {
  const program = buildProgram();
  let errors = "";
  let output = "";
  const capture = (command: Command): void => {
    command.configureOutput({
      writeErr: (text) => {
        errors += text;
      },
      writeOut: (text) => {
        output += text;
      },
    });
    for (const child of command.commands) capture(child);
  };
  capture(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return { error: undefined, errors, output };
  } catch (error) {
    return { error, errors, output };
  }
}

function leaves(command: Command, path: string[] = []): string[][] {
  const own = command.commands.filter((child) => child.name() !== "help");
  return own.length === 0 ? [path] : own.flatMap((child) => leaves(child, [...path, child.name()]));
}

describe("every command", () => {
  test.each(leaves(buildProgram()).map((path) => [path.join(" "), path]))("%s has help", async (name, path) => {
    const { output } = await run(...path, "--help");
    expect(output).toContain(`Usage: redoubt ${name}`);
    expect(output.split("\n").filter((line) => line.trim() !== "").length).toBeGreaterThan(3);
  });
});

describe("what is wrong is named, with what is right", () => {
  test.each([
    [["up", "--profil", "basic"], "unknown option '--profil'", "(Did you mean --profile?)"],
    [["statsu"], "unknown command 'statsu'", "(Did you mean status?)"],
    [["up", "--port-base", "many"], "--port-base", "a whole number from 0 expected"],
    [["up", "--degree", "5"], "--degree", "component=N expected"],
    [["degree", "apply", "servers"], "component", "one of traffic-regulator"],
    [["degree", "apply", "state-replica", "--faults", "-1"], "--faults", "a whole number from 0 expected"],
    [["log", "L2", "--limit", "all"], "--limit", "a whole number from 1 expected"],
    [["log", "L4"], "log", "Allowed choices are L1, L2, L3"],
    [["drill", "Z9"], "name", "some of A1, A2, A3"],
    [["simulate", "--seeds", "0"], "--seeds", "a whole number from 1 expected"],
    [["state", "show"], "missing required argument", "object"],
    [["state", "show", "account/1", "--limit", "201"], "--limit", "a whole number from 1 to 200 expected"],
    [["state", "list", "--from", "yesterday"], "--from", "a time with its zone expected"],
    [["state", "list", "--to", "2026-03-01T12:00"], "--to", "a time with its zone expected"],
    [["placement", "--all"], "unknown option '--all'", "--help"],
    [["masters", "stats"], "unknown command 'stats'", "(Did you mean status?)"],
    [["client", "add"], "missing required argument", "name"],
  ])("%j", async (args, wrong, right) => {
    const { error, errors } = await run(...args);
    expect(error).toMatchObject({ name: "CommanderError" });
    expect((error as { exitCode: number }).exitCode).not.toBe(0);
    expect(errors).toContain(wrong);
    expect(errors).toContain(right);
  });

  test.each([
    [["state", "list", "account/", "--server", "execution-server-1"], "a prefix and --after list objects"],
    [["state", "list", "--before", "1.2.3"], "--before goes with"],
  ])("%j", async (args, wrong) => {
    const { error } = await run(...args, "--data", folder);
    expect(error).toMatchObject({ exitCode: 2 });
    expect((error as Error).message).toContain(wrong);
  });

  test("a folder no cluster has run on, with how to start one", async () => {
    const { error } = await run("status", "--data", folder);
    expect(error).toMatchObject({ exitCode: 1 });
    expect((error as Error).message).toContain("redoubt up --data");
  });
});
