// Values that limit what a unit uses: memory, tasks, CPUs, disks, devices, addresses.

import { isIP } from "node:net";
import { show } from "../../src/daemon/definition/check.js";
import { parseUnitName } from "../names.js";
import { parseBoolean, parseBounded, parseShare, parseSize } from "../parser/number.js";
import { isAbsolute } from "../parser/path.js";
import { absolutePath } from "./files.js";
import { checked, listOf, tolerate, wordsOf } from "./lists.js";
import { BadValue, choice, mismatch, scalar, type ValueContext, type ValueType } from "./type.js";

/** A number (Infinity for no limit), or a share of what the machine has. */
export type Amount = number | { readonly share: number };

/** Memory in bytes. */
export const memory: ValueType<Amount> = memoryFrom(1);
/** The same, but none is an answer too. */
export const memoryOrNone: ValueType<Amount> = memoryFrom(0);

function memoryFrom(least: number): ValueType<Amount> {
  return scalar<Amount>(
    'a size such as "512M", a share such as "50%", or "infinity"',
    (text) => {
      if (text === "infinity") return Number.POSITIVE_INFINITY;
      const share = parseShare(text);
      if (share !== undefined) return share > 0 || least === 0 ? { share } : undefined;
      const bytes = parseSize(text);
      return bytes !== undefined && bytes >= least ? bytes : undefined;
    },
    { emptyResets: true },
  );
}

export const tasks: ValueType<Amount> = scalar<Amount>(
  'a number of tasks, a share such as "50%", or "infinity"',
  (text) => {
    if (text === "infinity") return Number.POSITIVE_INFINITY;
    const share = parseShare(text);
    if (share !== undefined) return share > 0 ? { share } : undefined;
    return parseBounded(text, 1, Number.MAX_SAFE_INTEGER);
  },
  { emptyResets: true },
);

/** 1 to 10000; `idle` gets CPU only where nobody else wants it. */
export const cpuWeight = scalar<number | "idle">(
  'an integer from 1 to 10000, or "idle"',
  (text) => (text === "idle" ? text : parseBounded(text, 1, 10_000)),
  { emptyResets: true },
);

export const weight = scalar("an integer from 1 to 10000", (text) => parseBounded(text, 1, 10_000), {
  emptyResets: true,
});

/** Older scales of weights, of which 1024 and 500 were the defaults. */
export const cpuShares = scalar("an integer from 2 to 262144", (text) => parseBounded(text, 2, 262_144), {
  emptyResets: true,
});
export const blockWeight = scalar("an integer from 10 to 1000", (text) => parseBounded(text, 10, 1000), {
  emptyResets: true,
});

/** How many CPUs: 2.5 for "250%". */
export const cpuQuota = scalar(
  'a share of one CPU such as "20%"',
  (text) => {
    const share = parseShare(text, true);
    return share === 0 ? undefined : share;
  },
  { emptyResets: true },
);

/** A number for a device or the file system that a path is on. */
export interface DeviceAmount {
  readonly path: string;
  readonly amount: number;
}

function devicesWith(
  expected: string,
  read: (text: string) => number | undefined,
): ValueType<readonly DeviceAmount[]> {
  return {
    expected: `the path of a device and ${expected}`,
    parse(text, previous = [], context) {
      if (text === "") return undefined;
      const [path = "", amountText = "", ...more] = wordsOf(text, {}, context);
      const amount = more.length === 0 ? read(amountText) : undefined;
      if (amount === undefined) throw new BadValue(mismatch(this.expected, text));
      const found = { path: absolutePath(context.expand(path)), amount };
      return [...previous.filter((one) => one.path !== found.path), found];
    },
  };
}

export const deviceWeights = devicesWith("an integer from 1 to 10000", (text) =>
  parseBounded(text, 1, 10_000),
);
export const deviceBandwidths = devicesWith('bytes per second such as "5M"', (text) =>
  text === "infinity" ? Number.POSITIVE_INFINITY : parseSize(text, 1000),
);

/** What a unit may do with a device. */
export interface DeviceAccess {
  /** Below /dev, or a group such as `char-pts` or `block-*`. */
  readonly device: string;
  /** Of `r`, `w` and `m` (make nodes). */
  readonly access: string;
}

export const deviceAccess: ValueType<readonly DeviceAccess[]> = {
  expected: 'a device such as /dev/null and any of "rwm"',
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const [word = "", access = "rwm", ...more] = wordsOf(text, {}, context);
    const device = context.expand(word);
    if (more.length > 0 || !/^[rwm]+$/.test(access)) throw new BadValue(mismatch(this.expected, text));
    if (/^(?:char|block)-./.test(device)) return [...previous, { device, access }];
    const path = isAbsolute(device) ? absolutePath(device) : "";
    if (/^\/(?:dev|run\/systemd\/inaccessible)\/./.test(path)) return [...previous, { device: path, access }];
    throw new BadValue(
      `expected a device below /dev, or a group of them such as "char-pts", got ${show(device)}`,
    );
  },
};

export const devicePolicy = choice(["auto", "closed", "strict"] as const);

const controllers = ["cpu", "cpuset", "io", "memory", "pids", "cpuacct", "blkio", "devices"].concat([
  "bpf-firewall",
  "bpf-devices",
  "bpf-foreign",
  "bpf-socket-bind",
  "bpf-restrict-network-interfaces",
]);

const readController = checked(`a controller: one of ${controllers.join(", ")}`, (word) =>
  controllers.find((name) => name === word),
);

/** Whether the unit has its cgroup to itself, and which controllers it gets there: all that there are where none is named. */
export interface Delegation {
  readonly enabled: boolean;
  readonly controllers?: readonly string[];
}

export const delegation: ValueType<Delegation> = {
  expected: "yes, no, or names of controllers",
  parse(text, previous, context) {
    if (text === "") return { enabled: true, controllers: [] };
    const flag = parseBoolean(text);
    if (flag !== undefined) return { enabled: flag };
    const named = wordsOf(text, {}, context).flatMap(
      (word) => tolerate(context, () => readController(word)) ?? [],
    );
    return { enabled: true, controllers: [...new Set([...(previous?.controllers ?? []), ...named])] };
  },
};

export const disabledControllers: ValueType<readonly string[]> = listOf(
  { expected: "names of controllers", repeats: false },
  readController,
);

/** Addresses and networks: `any`, `localhost`, `link-local`, `multicast`, or such as `10.0.0.0/8`. */
export const addresses: ValueType<readonly string[]> = listOf(
  { expected: 'addresses such as "localhost" or "10.0.0.0/8"', repeats: false },
  checked('an address such as "localhost" or "10.0.0.0/8"', readAddress),
);

function readAddress(word: string): string | undefined {
  if (["any", "localhost", "link-local", "multicast"].includes(word)) return word;
  const [, address = "", length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(word) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  return version !== 0 && (length === undefined || Number(length) <= most) ? word : undefined;
}

/** A .slice unit. */
export const slice: ValueType<string> = {
  expected: "the name of a .slice unit",
  parse(text, _previous, context: ValueContext) {
    const name = context.expandName(text);
    const stem = name.replace(/\.slice$/, "");
    // Dashes say where it is in the tree of slices.
    const isSlice = parseUnitName(name)?.type === "slice" && /^(?:-|[^-]+(?:-[^-]+)*)$/.test(stem);
    if (!isSlice) throw new BadValue(mismatch(this.expected, name));
    return name;
  },
};

export const pressureAction = choice(["auto", "kill"] as const, { emptyResets: true });
export const oomPreference = choice(["none", "avoid", "omit"] as const);
export const oomPolicy = choice(["continue", "stop", "kill"] as const);
