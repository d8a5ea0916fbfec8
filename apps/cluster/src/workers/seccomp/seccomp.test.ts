import { describe, expect, test } from "vitest";
import { assemble, INSTRUCTION_BYTES, type Step } from "./assemble.ts";
import { ARCHITECTURE_CODE, type FilteredArchitecture, RETURN, workerFilter } from "./filter.ts";
import { SYSTEM_CALL_RULES, type SystemCallAction } from "./system-calls.ts";
import { interpret } from "./testing.ts";

const architectures = ["x64", "arm64"] as const;

function answer(architecture: FilteredArchitecture, name: string, ...values: number[]): number {
  const rule = SYSTEM_CALL_RULES.find((each) => each.name === name);
  const number = rule?.[architecture];
  if (number === undefined || number === null) throw new Error(`no ${name} on ${architecture}`);
  return interpret(workerFilter(architecture), {
    number,
    architecture: ARCHITECTURE_CODE[architecture],
    arguments: values.map(BigInt),
  });
}

const expected = (action: SystemCallAction): number =>
  action === "allow" ? RETURN.allow : action === "end" ? RETURN.end : RETURN.error | action.errno;

describe("the assembler", () => {
  test("lays out instructions as the kernel reads them", () => {
    const program = assemble([
      { kind: "load", offset: 4 },
      { kind: "jump", test: "equal", value: 0xc000003e, whenFalse: "no" },
      { kind: "return", value: 0x7fff0000 },
      { kind: "label", name: "no" },
      { kind: "return", value: 0x80000000 },
    ]);
    const hexadecimal = Buffer.from(program).toString("hex");
    expect(hexadecimal).toBe("20000000040000001500000" + "13e0000c0060000000000ff7f0600000000000080");
  });

  const end: Step = { kind: "return", value: 0 };
  test.each<[string, readonly Step[]]>([
    ["has no instructions", []],
    ["runs past its end", [{ kind: "load", offset: 0 }]],
    ["jumps to a label that is not there", [{ kind: "jump", test: "equal", value: 1, whenTrue: "nowhere" }, end]],
    ["jumps back", [{ kind: "label", name: "back" }, { kind: "jump", test: "equal", value: 1, whenTrue: "back" }, end]],
    [
      "jumps behind its last instruction",
      [{ kind: "jump", test: "equal", value: 1, whenTrue: "behind" }, end, { kind: "label", name: "behind" }],
    ],
    [
      "jumps farther than an instruction can say",
      [
        { kind: "jump", test: "equal", value: 1, whenTrue: "far" },
        ...Array.from({ length: 256 }, () => end),
        { kind: "label", name: "far" },
        end,
      ],
    ],
    ["has a label twice", [{ kind: "label", name: "a" }, { kind: "label", name: "a" }, end]],
    ["reads beyond what a filter is shown", [{ kind: "load", offset: 64 }, end]],
    ["is longer than the kernel takes", Array.from({ length: 4097 }, () => end)],
  ])("refuses a program that %s", (_, steps) => {
    expect(() => assemble(steps)).toThrow();
  });
});

describe.each(architectures)("the workers' filter on %s", (architecture) => {
  const code = ARCHITECTURE_CODE[architecture];
  const filter = workerFilter(architecture);

  test("decides every listed system call as listed, and names each number once", () => {
    const numbers: number[] = [];
    for (const rule of SYSTEM_CALL_RULES) {
      const number = rule[architecture];
      if (number === null) continue;
      numbers.push(number);
      expect([rule.name, interpret(filter, { number, architecture: code })]).toEqual([
        rule.name,
        expected(rule.otherwise),
      ]);
    }
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThan(50);
  });

  test("allows every system call that is not listed", () => {
    const listed = new Set(SYSTEM_CALL_RULES.map((rule) => rule[architecture]));
    for (let number = 0; number < 600; number++) {
      if (listed.has(number)) continue;
      expect([number, interpret(filter, { number, architecture: code })]).toEqual([number, RETURN.allow]);
    }
  });

  test("ends a process that calls the kernel as another architecture", () => {
    for (const foreign of [0x4000_0003, 0xc000_0016, ...architectures.map((name) => ARCHITECTURE_CODE[name])]) {
      if (foreign === code) continue;
      expect(interpret(filter, { number: 0, architecture: foreign })).toBe(RETURN.end);
    }
  });

  test("sockets: only of the machine itself; the list of network interfaces fails without ending the process", () => {
    const [unix, inet, inet6, netlink, packet] = [1, 2, 10, 16, 17];
    expect(answer(architecture, "socket", unix)).toBe(RETURN.allow);
    for (const family of [inet, inet6, packet, 38, 40]) expect(answer(architecture, "socket", family)).toBe(RETURN.end);
    expect(answer(architecture, "socket", netlink)).toBe(RETURN.error | 97);
    expect(answer(architecture, "socketpair", unix)).toBe(RETURN.allow);
    expect(answer(architecture, "socketpair", inet)).toBe(RETURN.end);
  });

  test("clone: threads only, never in a new namespace; clone3 does not exist", () => {
    const threadOfGlibc = 0x3d0f00;
    const [forkOfGlibc, newUser, newNetwork] = [0x01200011, 0x10000000, 0x40000000];
    expect(answer(architecture, "clone", threadOfGlibc)).toBe(RETURN.allow);
    expect(answer(architecture, "clone", forkOfGlibc)).toBe(RETURN.end);
    expect(answer(architecture, "clone", threadOfGlibc | newUser)).toBe(RETURN.end);
    expect(answer(architecture, "clone", threadOfGlibc | newNetwork)).toBe(RETURN.end);
    expect(answer(architecture, "clone3", 0)).toBe(RETURN.error | 38);
  });

  test("ioctl: everything but typing into a terminal", () => {
    expect(answer(architecture, "ioctl", 3, 0x5401)).toBe(RETURN.allow);
    expect(answer(architecture, "ioctl", 0, 0x5412)).toBe(RETURN.error | 1);
  });

  test("is small enough for the kernel and made of whole instructions", () => {
    expect(filter.byteLength % INSTRUCTION_BYTES).toBe(0);
    expect(filter.byteLength / INSTRUCTION_BYTES).toBeLessThan(4096);
  });
});

test("x32 system calls end the process on x64, whatever their number is without the bit", () => {
  const architecture = ARCHITECTURE_CODE.x64;
  for (const number of [0x4000_0000, 0x4000_0001, 0x4000_0221])
    expect(interpret(workerFilter("x64"), { number, architecture })).toBe(RETURN.end);
});

test("the calls the specification names are all listed", () => {
  const named = ["ptrace", "mount", "unshare", "setns", "bpf", "io_uring_setup", "kexec_load", "userfaultfd", "socket"];
  const listed = SYSTEM_CALL_RULES.map(({ name }) => name);
  expect(named.filter((name) => !listed.includes(name))).toEqual([]);
});
