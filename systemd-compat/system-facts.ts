// What the system is, for specifiers: read once, since it does not change while the system runs.

import { arch, hostname, release } from "node:os";
import { join } from "node:path";
import { readText } from "./bounded-read.js";
import { parseAssignments } from "./parser/os-release.js";

/** Whose units these are: root's for those of the system. */
export interface ManagerUser {
  readonly name: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface SystemFacts {
  readonly hostName: string;
  readonly prettyHostName?: string;
  /** 32 hexadecimal digits; absent where the system has none yet. */
  readonly machineId?: string;
  readonly bootId?: string;
  readonly kernelRelease: string;
  /** In systemd's words: `x86-64`, `arm64`. */
  readonly architecture: string;
  /** The variables of os-release(5). */
  readonly osRelease: ReadonlyMap<string, string>;
  readonly user: ManagerUser;
}

export const rootUser: ManagerUser = {
  name: "root",
  uid: 0,
  group: "root",
  gid: 0,
  home: "/root",
  shell: "/bin/sh",
};

/** Node's names of architectures in systemd's words; others are the same. */
const architectures: Readonly<Record<string, string>> = {
  x64: "x86-64",
  ia32: "x86",
  arm: "arm",
  arm64: "arm64",
  ppc64: "ppc64-le",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loongarch64",
  mipsel: "mips-le",
  mips: "mips",
};

/** This machine's architecture in systemd's words. */
export function systemdArchitecture(): string {
  return architectures[arch()] ?? arch();
}

/** Bytes of a file of facts; none of them has nearly as many. */
const mostBytes = 65_536;

const textOf = (file: string) => readText(file, mostBytes);

/** An id of 128 bits, with or without dashes. */
function idOf(text: string | undefined): string | undefined {
  const digits = text?.trim().replaceAll("-", "").toLowerCase();
  return digits !== undefined && /^[0-9a-f]{32}$/.test(digits) ? digits : undefined;
}

/**
 * The facts of this system.
 * @param root where the files of /etc and /usr are looked for; the kernel's own are this machine's
 */
export async function readSystemFacts(root = "/", user: ManagerUser = rootUser): Promise<SystemFacts> {
  const [machine, boot, etcRelease, usrRelease, machineInfo] = await Promise.all([
    textOf(join(root, "etc/machine-id")),
    textOf("/proc/sys/kernel/random/boot_id"),
    textOf(join(root, "etc/os-release")),
    textOf(join(root, "usr/lib/os-release")),
    textOf(join(root, "etc/machine-info")),
  ]);
  const prettyHostName = parseAssignments(machineInfo ?? "").get("PRETTY_HOSTNAME");
  const machineId = idOf(machine);
  const bootId = idOf(boot);
  return {
    hostName: hostname(),
    kernelRelease: release(),
    architecture: systemdArchitecture(),
    osRelease: parseAssignments(etcRelease ?? usrRelease ?? ""),
    user,
    ...(prettyHostName === undefined ? {} : { prettyHostName }),
    ...(machineId === undefined ? {} : { machineId }),
    ...(bootId === undefined ? {} : { bootId }),
  };
}
