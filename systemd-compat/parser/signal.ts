// Signals and exit statuses by name.

import { constants } from "node:os";
import { parseInteger } from "./number.js";

/** The kernel's real-time signals, as the C library leaves them to programs. */
const realTime = { first: 34, last: 64 } as const;

/** Other names of signals; systemd does not know them. */
const synonyms = new Set(["SIGIOT", "SIGPOLL", "SIGUNUSED", "SIGBREAK", "SIGINFO", "SIGLOST"]);

const numbers: ReadonlyMap<string, number> = new Map(
  Object.entries(constants.signals).filter(([name]) => !synonyms.has(name)),
);

/** A signal's number, of its name with or without `SIG` (`RTMIN+3` too) or of its number. */
export function parseSignal(text: string): number | undefined {
  const number = parseInteger(text);
  if (number !== undefined) return number >= 1 && number <= realTime.last ? number : undefined;
  const name = text.startsWith("SIG") ? text.slice(3) : text;
  const [, from, offset = "+0"] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? [];
  if (from === undefined) return numbers.get(`SIG${name}`);
  const signal = (from === "MIN" ? realTime.first : realTime.last) + Number(offset);
  return signal >= realTime.first && signal <= realTime.last ? signal : undefined;
}

/** Such as `SIGTERM` or `SIGRTMIN+3`. */
export function signalName(number: number): string {
  const [name] = Array.from(numbers).find(([, one]) => one === number) ?? [];
  if (name !== undefined) return name;
  return number === realTime.first ? "SIGRTMIN" : `SIGRTMIN+${number - realTime.first}`;
}

/** Names of exit statuses: the C library's, those of init scripts, BSD's sysexits, and systemd's own from 200. */
const statuses: Readonly<Record<string, number>> = {
  SUCCESS: 0,
  FAILURE: 1,
  INVALIDARGUMENT: 2,
  NOTIMPLEMENTED: 3,
  NOPERMISSION: 4,
  NOTINSTALLED: 5,
  NOTCONFIGURED: 6,
  NOTRUNNING: 7,
  USAGE: 64,
  DATAERR: 65,
  NOINPUT: 66,
  NOUSER: 67,
  NOHOST: 68,
  UNAVAILABLE: 69,
  SOFTWARE: 70,
  OSERR: 71,
  OSFILE: 72,
  CANTCREAT: 73,
  IOERR: 74,
  TEMPFAIL: 75,
  PROTOCOL: 76,
  NOPERM: 77,
  CONFIG: 78,
  CHDIR: 200,
  NICE: 201,
  FDS: 202,
  EXEC: 203,
  MEMORY: 204,
  LIMITS: 205,
  OOM_ADJUST: 206,
  SIGNAL_MASK: 207,
  STDIN: 208,
  STDOUT: 209,
  CHROOT: 210,
  IOPRIO: 211,
  TIMERSLACK: 212,
  SECUREBITS: 213,
  SETSCHEDULER: 214,
  CPUAFFINITY: 215,
  GROUP: 216,
  USER: 217,
  CAPABILITIES: 218,
  CGROUP: 219,
  SETSID: 220,
  CONFIRM: 221,
  STDERR: 222,
  PAM: 224,
  NETWORK: 225,
  NAMESPACE: 226,
  NO_NEW_PRIVILEGES: 227,
  SECCOMP: 228,
  SELINUX_CONTEXT: 229,
  PERSONALITY: 230,
  APPARMOR: 231,
  ADDRESS_FAMILIES: 232,
  RUNTIME_DIRECTORY: 233,
  CHOWN: 235,
  SMACK_PROCESS_LABEL: 236,
  KEYRING: 237,
  STATE_DIRECTORY: 238,
  CACHE_DIRECTORY: 239,
  LOGS_DIRECTORY: 240,
  CONFIGURATION_DIRECTORY: 241,
  NUMA_POLICY: 242,
  CREDENTIALS: 243,
  BPF: 244,
  EXCEPTION: 255,
};

/** An exit status, of its name or its number. */
export function parseExitStatus(text: string): number | undefined {
  if (Object.hasOwn(statuses, text)) return statuses[text];
  const number = parseInteger(text);
  return number !== undefined && number >= 0 && number <= 255 ? number : undefined;
}

/** The name of an exit status, if it has one. */
export function exitStatusName(status: number): string | undefined {
  return Object.keys(statuses).find((name) => statuses[name] === status);
}
