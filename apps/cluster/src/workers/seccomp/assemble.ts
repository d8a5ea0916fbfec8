/**
 * Assembles a seccomp program (classic BPF as the kernel takes it, linux/filter.h) from steps with named labels. Pure: it
 * knows nothing of system calls. A program that the kernel would refuse, or that could run past its end, is our bug and
 * throws here. Jumps go forward only, as in the kernel, so every program ends.
 */

/** What a step compares the accumulator with. */
export type JumpTest = "equal" | "atLeast" | "anyBit";

export type Step =
  /** Loads the 32-bit word at a byte offset of `struct seccomp_data`. */
  | { readonly kind: "load"; readonly offset: number }
  /** Goes to a label if the test holds, to another (or on) if it does not. */
  | {
      readonly kind: "jump";
      readonly test: JumpTest;
      readonly value: number;
      readonly whenTrue?: string;
      readonly whenFalse?: string;
    }
  | { readonly kind: "return"; readonly value: number }
  | { readonly kind: "label"; readonly name: string };

/** `code` of struct sock_filter. */
export const OPERATION = {
  loadWordAbsolute: 0x20,
  jumpEqual: 0x15,
  jumpAtLeast: 0x35,
  jumpAnyBit: 0x45,
  returnConstant: 0x06,
} as const;

/** Layout of `struct seccomp_data` on little-endian machines; of an argument, the low word. */
export const SECCOMP_DATA = {
  callNumber: 0,
  architecture: 4,
  argument: (index: number): number => 16 + 8 * index,
  bytes: 64,
} as const;

export const INSTRUCTION_BYTES = 8;
/** BPF_MAXINSNS. */
const INSTRUCTIONS_MAX = 4096;
const JUMP_MAX = 255;
const JUMPS: Readonly<Record<JumpTest, number>> = {
  equal: OPERATION.jumpEqual,
  atLeast: OPERATION.jumpAtLeast,
  anyBit: OPERATION.jumpAnyBit,
};

type Instruction = Exclude<Step, { readonly kind: "label" }>;

/** The program's bytes: an array of struct sock_filter, little-endian. Throws when the steps are no valid program. */
export function assemble(steps: readonly Step[]): Uint8Array {
  const { instructions, labels } = place(steps);
  if (instructions.length === 0 || instructions.length > INSTRUCTIONS_MAX)
    throw new Error(`a program of 1 to ${INSTRUCTIONS_MAX} instructions expected, not ${instructions.length}`);
  if (instructions.at(-1)?.kind !== "return") throw new Error("the program runs past its end");
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, instruction] of instructions.entries()) {
    const { code, whenTrue, whenFalse, value } = encode(instruction, index, labels, instructions.length);
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, whenTrue);
    view.setUint8(at + 3, whenFalse);
    view.setUint32(at + 4, value, true);
  }
  return bytes;
}

function place(steps: readonly Step[]): { instructions: Instruction[]; labels: Map<string, number> } {
  const instructions: Instruction[] = [];
  const labels = new Map<string, number>();
  for (const step of steps) {
    if (step.kind !== "label") instructions.push(step);
    else if (labels.has(step.name)) throw new Error(`the label ${step.name} is there twice`);
    else labels.set(step.name, instructions.length);
  }
  return { instructions, labels };
}

function encode(instruction: Instruction, index: number, labels: ReadonlyMap<string, number>, length: number) {
  if (instruction.kind === "load") {
    const { offset } = instruction;
    if (offset % 4 !== 0 || offset < 0 || offset >= SECCOMP_DATA.bytes) throw new Error(`no word at offset ${offset}`);
    return { code: OPERATION.loadWordAbsolute, whenTrue: 0, whenFalse: 0, value: offset };
  }
  if (instruction.kind === "return")
    return { code: OPERATION.returnConstant, whenTrue: 0, whenFalse: 0, value: instruction.value };
  const distance = (label: string | undefined): number => {
    if (label === undefined) return 0;
    const target = labels.get(label);
    if (target === undefined) throw new Error(`there is no label ${label}`);
    const skipped = target - index - 1;
    if (skipped < 0) throw new Error(`a jump back to ${label}`);
    if (skipped > JUMP_MAX || target >= length) throw new Error(`the label ${label} is out of reach`);
    return skipped;
  };
  const { test, value, whenTrue, whenFalse } = instruction;
  return { code: JUMPS[test], whenTrue: distance(whenTrue), whenFalse: distance(whenFalse), value };
}
