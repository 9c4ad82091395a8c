// Values that confine a unit: system calls, address families, namespaces.

import { constants } from "node:os";
import { show } from "../../src/daemon/definition/check.js";
import { parseBoolean, parseBounded } from "../parser/number.js";
import { booleanOr } from "./basic.js";
import { checked, leftOut, listOf, tolerate, wordsOf } from "./lists.js";
import { BadValue, choice, mismatch, scalar, type ValueContext, type ValueType } from "./type.js";

/** Groups of system calls that have names. */
export const systemCallGroups: ReadonlySet<string> = new Set([
  "@default",
  "@aio",
  "@basic-io",
  "@chown",
  "@clock",
  "@cpu-emulation",
  "@debug",
  "@file-system",
  "@io-event",
  "@ipc",
  "@keyring",
  "@known",
  "@memlock",
  "@module",
  "@mount",
  "@network-io",
  "@obsolete",
  "@pkey",
  "@privileged",
  "@process",
  "@raw-io",
  "@reboot",
  "@resources",
  "@sandbox",
  "@setuid",
  "@signal",
  "@swap",
  "@sync",
  "@system-service",
  "@timer",
]);

/** What a call that is not allowed gets: the name or number of an error, or its process is killed. */
export type SystemCallError = string | number;

/** A step in making the set of calls that a filter names. */
export interface SystemCallStep {
  /** A call, or a group such as `@mount`. */
  readonly name: string;
  /** Whether it is taken into the set, or out of it. */
  readonly change: "add" | "remove";
  /** Of this call alone, where others get what SystemCallErrorNumber= says. */
  readonly error?: SystemCallError;
}

export interface SystemCallFilter {
  /** Whether the set is what is allowed (with `@default`), or what is not. */
  readonly mode: "allow" | "deny";
  /** In order: a later one counts more. */
  readonly steps: readonly SystemCallStep[];
}

/** Names of calls are not looked up: which exist depends on kernel and architecture. */
export const systemCallFilter: ValueType<SystemCallFilter> = {
  expected: "names of system calls, and of groups such as @system-service",
  parse(text, previous, context) {
    if (text === "") return undefined;
    const inverted = text.startsWith("~");
    const mode = previous?.mode ?? (inverted ? "deny" : "allow");
    const change = inverted === (mode === "deny") ? "add" : "remove";
    const steps = [...(previous?.steps ?? [])];
    for (const word of wordsOf(inverted ? text.slice(1) : text, {}, context)) {
      const step = tolerate(context, () => readCall(word, change));
      if (step?.error === undefined || mode === "deny") {
        if (step !== undefined) steps.push(step);
      } else {
        context.warn(`an error for a system call that is allowed, ${show(word)}`, leftOut);
      }
    }
    return { mode, steps };
  },
};

function readCall(word: string, change: SystemCallStep["change"]): SystemCallStep {
  const [name = "", errorText, ...more] = word.split(":");
  if (name.startsWith("@") && !systemCallGroups.has(name))
    throw new BadValue(`unknown group of system calls, ${show(name)}`);
  if (!/^@?[a-z0-9_-]+$/.test(name) || more.length > 0)
    throw new BadValue(mismatch("the name of a system call", word));
  if (errorText === undefined) return { name, change };
  const error = parseCallError(errorText);
  if (error === undefined) throw new BadValue(mismatch('an error such as "EPERM", or "kill"', errorText));
  return { name, change, error };
}

function parseCallError(text: string): SystemCallError | undefined {
  if (text === "kill" || Object.hasOwn(constants.errno, text)) return text;
  return parseBounded(text, 1, 4095);
}

export const systemCallError = scalar<SystemCallError>(
  'an error such as "EPERM", or "kill"',
  parseCallError,
  {
    emptyResets: true,
  },
);

const architectureNames = ["native", "x86", "x86-64", "x32", "arm", "arm64", "loongarch64"].concat(
  ["mips", "mips64", "mips64-n32", "mips-le", "mips64-le", "mips64-le-n32"],
  ["parisc", "parisc64", "ppc", "ppc64", "ppc64-le", "riscv64", "s390", "s390x"],
);

export const systemCallArchitectures: ValueType<readonly string[]> = listOf(
  { expected: "architectures such as native", repeats: false },
  checked("an architecture such as native", (word) => architectureNames.find((name) => name === word)),
);

const namespaces = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts"] as const;
export type Namespace = (typeof namespaces)[number];

/** The kinds of namespaces that may be made and entered; absent where nothing is restricted. */
export const allowedNamespaces: ValueType<readonly Namespace[]> = {
  expected: `yes, no, or names of namespaces: ${namespaces.join(", ")}`,
  parse(text, previous, context) {
    if (text === "") return undefined;
    const flag = parseBoolean(text);
    if (flag !== undefined) return flag ? [] : undefined;
    const inverted = text.startsWith("~");
    const named = wordsOf(inverted ? text.slice(1) : text, {}, context).map((word) => {
      const found = namespaces.find((name) => name === word);
      if (found === undefined) throw new BadValue(mismatch(this.expected, word));
      return found;
    });
    const before = previous ?? (inverted ? namespaces : []);
    return namespaces.filter((one) => (named.includes(one) ? !inverted : before.includes(one)));
  },
};

export interface AddressFamilies {
  /** Whether these are the families that are allowed, or those that are not. */
  readonly mode: "allow" | "deny";
  /** Such as `AF_INET6`. */
  readonly families: readonly string[];
}

/** Address families by the kernel's numbers; what is missing has none or is an alias. */
export const addressFamilyNumbers: Readonly<Record<string, number>> = {
  AF_UNIX: 1,
  AF_LOCAL: 1,
  AF_INET: 2,
  AF_AX25: 3,
  AF_IPX: 4,
  AF_APPLETALK: 5,
  AF_NETROM: 6,
  AF_BRIDGE: 7,
  AF_ATMPVC: 8,
  AF_X25: 9,
  AF_INET6: 10,
  AF_ROSE: 11,
  AF_DECnet: 12,
  AF_NETBEUI: 13,
  AF_SECURITY: 14,
  AF_KEY: 15,
  AF_NETLINK: 16,
  AF_ROUTE: 16,
  AF_PACKET: 17,
  AF_ASH: 18,
  AF_ECONET: 19,
  AF_ATMSVC: 20,
  AF_RDS: 21,
  AF_SNA: 22,
  AF_IRDA: 23,
  AF_PPPOX: 24,
  AF_WANPIPE: 25,
  AF_LLC: 26,
  AF_IB: 27,
  AF_MPLS: 28,
  AF_CAN: 29,
  AF_TIPC: 30,
  AF_BLUETOOTH: 31,
  AF_IUCV: 32,
  AF_RXRPC: 33,
  AF_ISDN: 34,
  AF_PHONET: 35,
  AF_IEEE802154: 36,
  AF_CAIF: 37,
  AF_ALG: 38,
  AF_NFC: 39,
  AF_VSOCK: 40,
  AF_KCM: 41,
  AF_QIPCRTR: 42,
  AF_SMC: 43,
  AF_XDP: 44,
  AF_MCTP: 45,
};

export const addressFamilies: ValueType<AddressFamilies> = {
  expected: 'address families such as AF_INET, or "none"',
  parse(text, previous, context) {
    if (text === "") return undefined;
    if (text === "none") return { mode: "allow", families: [] };
    const inverted = text.startsWith("~");
    const mode = previous?.mode ?? (inverted ? "deny" : "allow");
    const families = new Set(previous?.families);
    for (const word of wordsOf(inverted ? text.slice(1) : text, {}, context)) {
      const family = tolerate(context, () => readFamily(word));
      if (family === undefined) continue;
      if (inverted === (mode === "deny")) families.add(family);
      else families.delete(family);
    }
    return { mode, families: [...families] };
  },
};

function readFamily(word: string): string {
  if (!Object.hasOwn(addressFamilyNumbers, word))
    throw new BadValue(mismatch("an address family such as AF_INET", word));
  return word;
}

/** Names of file systems, with `~` for all others; kept as they are written. */
export const fileSystems: ValueType<readonly string[]> = {
  expected: "names of file systems",
  parse(text, previous = [], context: ValueContext) {
    return text === "" ? undefined : [...previous, ...wordsOf(text, {}, context)];
  },
};

export const protectSystem = booleanOr(["full", "strict"] as const);
export const protectHome = booleanOr(["read-only", "tmpfs"] as const);
export const protectProc = choice(["default", "noaccess", "invisible", "ptraceable"] as const);
export const procSubset = choice(["all", "pid"] as const);
export const keyringMode = choice(["inherit", "private", "shared"] as const);
export const mountFlags = choice(["shared", "slave", "private"] as const, {
  emptyResets: true,
  aliases: { rshared: "shared", rslave: "slave", rprivate: "private" },
});
export const personality = choice(
  [
    "x86",
    "x86-64",
    "arm",
    "arm64",
    "ppc",
    "ppc-le",
    "ppc64",
    "ppc64-le",
    "s390",
    "s390x",
    "loongarch64",
  ] as const,
  { emptyResets: true },
);
