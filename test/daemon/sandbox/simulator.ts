// Runs system call filters as the kernel does, on calls that a test makes up.

import { constants } from "node:os";
import { interfacesOf } from "../../../src/daemon/sandbox/syscalls/architectures.js";

export interface Call {
  readonly audit: number;
  readonly number: number;
  /** Up to six. */
  readonly arguments: readonly (number | bigint)[];
}

/** A call by name, on one of a machine's interfaces. */
export function call(
  name: string,
  values: readonly (number | bigint)[] = [],
  on: "x86-64" | "x32" | "x86" | "arm64" | "arm" = "x86-64",
): Call {
  const found = ["x64", "arm64"].flatMap((machine) => interfacesOf(machine)).find((one) => one.name === on);
  const number = found?.numbers.get(name);
  if (found === undefined || number === undefined) throw new Error(`no ${name} on ${on}`);
  return { audit: found.audit, number: found.base + number, arguments: values };
}

/** What becomes of a call: `allow`, `kill`, or the name of an error. */
export function judged(filters: readonly Uint8Array[], made: Call): string {
  const results = filters.map((filter) => resultOf(filter, dataOf(made)));
  if (results.some((result) => result === 0x80000000)) return "kill";
  // Of those that fail a call, the filter that was loaded last decides how.
  const failed = results.filter((result) => result >>> 16 === 5).pop();
  if (failed !== undefined) {
    const entry = Object.entries(constants.errno).find(([, number]) => number === (failed & 0xffff));
    return entry?.[0] ?? `errno ${failed & 0xffff}`;
  }
  if (results.every((result) => result === 0x7fff0000)) return "allow";
  throw new Error(`results that no filter here gives: ${results.join(" ")}`);
}

function dataOf(made: Call): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, made.number | 0, true);
  data.setUint32(4, made.audit, true);
  made.arguments.forEach((value, index) => {
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(value)), true);
  });
  return data;
}

/** Executes one program; throws where the kernel would not load it. */
function resultOf(filter: Uint8Array, data: DataView): number {
  const program = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const count = filter.byteLength / 8;
  if (!Number.isInteger(count) || count < 1 || count > 4096) throw new Error(`${count} instructions`);
  let accumulator = 0;
  for (let at = 0; at < count; at++) {
    const code = program.getUint16(at * 8, true);
    const [yes, no] = [program.getUint8(at * 8 + 2), program.getUint8(at * 8 + 3)];
    const operand = program.getUint32(at * 8 + 4, true);
    if (code === 0x20) {
      if (operand % 4 !== 0) throw new Error(`loads from ${operand}`);
      accumulator = data.getUint32(operand, true);
    } else if (code === 0x54) accumulator = (accumulator & operand) >>> 0;
    else if (code === 0x05) at += operand;
    else if (code === 0x15) at += accumulator === operand ? yes : no;
    else if (code === 0x25) at += accumulator > operand ? yes : no;
    else if (code === 0x35) at += accumulator >= operand ? yes : no;
    else if (code === 0x06) return operand;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error("runs past its end");
}
