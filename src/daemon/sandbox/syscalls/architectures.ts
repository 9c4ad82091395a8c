// The kernel's interfaces to programs that a machine can have, with the numbers of their system calls.

import { arm } from "./arm.js";
import { arm64 } from "./arm64.js";
import { x86 } from "./x86.js";
import { notInX32, x32, x8664 } from "./x86-64.js";

export interface Interface {
  /** As SystemCallArchitectures= has it. */
  readonly name: "x86-64" | "x32" | "x86" | "arm64" | "arm";
  /** The kernel's number of it (AUDIT_ARCH_…). */
  readonly audit: number;
  /** What the numbers of its calls are counted from. */
  readonly base: number;
  /** Calls by name, without `base`. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Calls that stand for several others, told apart by the first argument, as far as `mask` goes. */
  readonly multiplexed: readonly {
    readonly name: string;
    readonly mask: number;
    readonly calls: Readonly<Record<string, number>>;
  }[];
}

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** Reads a table: a number is that of the name after it, from where they go on by one. */
function readNumbers(text: string): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of wordsOf(text)) {
    if (/^[0-9]+$/.test(word)) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}

function x32Numbers(): Map<string, number> {
  const numbers = readNumbers(x8664);
  for (const name of wordsOf(notInX32)) numbers.delete(name);
  for (const [name, number] of readNumbers(x32)) numbers.set(name, number);
  return numbers;
}

/** In the order of their numbers, from 1. */
const socketCalls =
  wordsOf(`socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom
  shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`);

const ipcCalls = {
  ...{ semop: 1, semget: 2, semctl: 3, semtimedop: 4, msgsnd: 11, msgrcv: 12, msgget: 13, msgctl: 14 },
  ...{ shmat: 21, shmdt: 22, shmget: 23, shmctl: 24 },
};

const x86Multiplexed = [
  {
    name: "socketcall",
    mask: 0xffffffff,
    calls: Object.fromEntries(socketCalls.map((name, index) => [name, index + 1])),
  },
  // The upper half is a version.
  { name: "ipc", mask: 0xffff, calls: ipcCalls },
];

const makers: readonly { readonly machine: string; readonly make: () => readonly Interface[] }[] = [
  {
    machine: "x64",
    make: () => [
      { name: "x86-64", audit: 0xc000003e, base: 0, numbers: readNumbers(x8664), multiplexed: [] },
      { name: "x32", audit: 0xc000003e, base: 0x40000000, numbers: x32Numbers(), multiplexed: [] },
      { name: "x86", audit: 0x40000003, base: 0, numbers: readNumbers(x86), multiplexed: x86Multiplexed },
    ],
  },
  {
    machine: "arm64",
    make: () => [
      { name: "arm64", audit: 0xc00000b7, base: 0, numbers: readNumbers(arm64), multiplexed: [] },
      { name: "arm", audit: 0x40000028, base: 0, numbers: readNumbers(arm), multiplexed: [] },
    ],
  },
];

const made = new Map<string, readonly Interface[]>();

/**
 * The interfaces that a machine's kernel may have, its own first; none where system calls are not filtered.
 * @param machine as `process.arch` has it
 */
export function interfacesOf(machine: string): readonly Interface[] {
  let interfaces = made.get(machine);
  if (interfaces === undefined) {
    interfaces = makers.find((one) => one.machine === machine)?.make() ?? [];
    made.set(machine, interfaces);
  }
  return interfaces;
}
