// The instructions of system call filters: classic BPF programs over what the kernel tells of a call.

/** One instruction: `yes` and `no` are how many are skipped where a condition holds, and where it does not. */
export interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly operand: number;
}

export const codes = {
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  ifEqual: 0x15,
  ifGreater: 0x25,
  ifAtLeast: 0x35,
  result: 0x06,
} as const;

/** Where the kernel has the parts of a call. */
export const offsets = { number: 0, architecture: 4, argument: 16 } as const;

/** What happens to a call: it is made, fails with an error, or is the end of the process. */
export type Action = "allow" | "kill" | { readonly errno: number };

const allowed = 0x7fff0000;
const killed = 0x80000000;
const failed = 0x00050000;

/** The kernel takes no longer programs. */
export const mostInstructions = 4096;
export const bytesEach = 8;

export function load(offset: number): Instruction {
  return { code: codes.load, yes: 0, no: 0, operand: offset };
}

export function result(action: Action): Instruction {
  const operand = action === "allow" ? allowed : action === "kill" ? killed : failed | action.errno;
  return { code: codes.result, yes: 0, no: 0, operand };
}

/**
 * `whenTrue` if the condition holds, else `otherwise`; both end in results.
 * @param code one of the conditions in `codes`
 */
export function branch(
  code: number,
  operand: number,
  whenTrue: readonly Instruction[],
  otherwise: readonly Instruction[],
): Instruction[] {
  const far = whenTrue.length > 255;
  const condition = far
    ? [
        { code, yes: 1, no: 0, operand },
        { code: codes.jump, yes: 0, no: 0, operand: whenTrue.length },
      ]
    : [{ code, yes: 0, no: whenTrue.length, operand }];
  return [...condition, ...whenTrue, ...otherwise];
}

/** The program as seccomp(2) takes it, where numbers are little-endian. */
export function assembled(program: readonly Instruction[]): Uint8Array {
  if (program.length > mostInstructions)
    throw new RangeError(`a system call filter of ${program.length} instructions is too long`);
  const bytes = new DataView(new ArrayBuffer(program.length * bytesEach));
  for (const [index, { code, yes, no, operand }] of program.entries()) {
    bytes.setUint16(index * bytesEach, code, true);
    bytes.setUint8(index * bytesEach + 2, yes);
    bytes.setUint8(index * bytesEach + 3, no);
    bytes.setUint32(index * bytesEach + 4, operand, true);
  }
  return new Uint8Array(bytes.buffer);
}
