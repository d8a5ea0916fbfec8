/** A small interpreter of seccomp programs, for tests: what the kernel would answer to one system call. */
import { INSTRUCTION_BYTES, OPERATION, SECCOMP_DATA } from "./assemble.ts";

export interface SystemCall {
  readonly number: number;
  readonly architecture: number;
  readonly arguments?: readonly bigint[];
}

/** The 64 bytes a filter sees of a system call. */
export function seccompData({ number, architecture, arguments: values = [] }: SystemCall): DataView {
  const view = new DataView(new ArrayBuffer(SECCOMP_DATA.bytes));
  view.setUint32(SECCOMP_DATA.callNumber, number, true);
  view.setUint32(SECCOMP_DATA.architecture, architecture, true);
  for (const [index, value] of values.entries()) view.setBigUint64(SECCOMP_DATA.argument(index), value, true);
  return view;
}

/** Runs a program on one system call. Throws on what the kernel would refuse to load or what would run past the end. */
export function interpret(program: Uint8Array, call: SystemCall): number {
  const data = seccompData(call);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.byteLength; at += INSTRUCTION_BYTES) {
    const code = view.getUint16(at, true);
    const value = view.getUint32(at + 4, true);
    if (code === OPERATION.returnConstant) return value;
    if (code === OPERATION.loadWordAbsolute) {
      accumulator = data.getUint32(value, true);
      continue;
    }
    at += INSTRUCTION_BYTES * view.getUint8(at + (holds(code, accumulator, value) ? 2 : 3));
  }
  throw new Error("the program ran past its end");
}

function holds(code: number, accumulator: number, value: number): boolean {
  if (code === OPERATION.jumpEqual) return accumulator === value;
  if (code === OPERATION.jumpAtLeast) return accumulator >= value;
  if (code === OPERATION.jumpAnyBit) return (accumulator & value) !== 0;
  throw new Error(`unknown instruction 0x${code.toString(16)}`);
}
