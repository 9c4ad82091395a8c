// Who holds an address that is in use: the socket is found in the kernel's tables, its process by its descriptors.

import { readdir, readFile, readlink } from "node:fs/promises";
import { endianness } from "node:os";
import type { Endpoint, EndpointAddress } from "./definition/types.js";
import { addressBits } from "./inet-address.js";

export interface Holder {
  readonly pid: number;
  /** The kernel's name for the program, of up to 15 characters. */
  readonly program: string;
}

/** The process that holds what `endpoint` would be bound to; undefined where it cannot be seen from here. */
export async function addressHolder(
  endpoint: Pick<Endpoint, "address" | "style">,
): Promise<Holder | undefined> {
  const inodes = await socketsAt(endpoint);
  return inodes.size === 0 ? undefined : await holderOf(inodes);
}

async function socketsAt({
  address,
  style,
}: Pick<Endpoint, "address" | "style">): Promise<ReadonlySet<string>> {
  if (address.family === "unix") return unixSockets(await table("unix"), address.path);
  const protocol = style === "datagram" ? "udp" : "tcp";
  // A socket of both families is among those of IPv6, and in the way of one of IPv4.
  const [four, six] = await Promise.all([table(protocol), table(`${protocol}6`)]);
  return inetSockets(address.family === "ipv4" ? [...four, ...six] : six, address, protocol);
}

/** Their inodes, from the lines of /proc/net/unix. */
export function unixSockets(lines: readonly string[], path: string): ReadonlySet<string> {
  return new Set(
    lines.flatMap((line) => {
      const [, inode, name] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.*)$/.exec(line) ?? [];
      return inode !== undefined && name === path ? [inode] : [];
    }),
  );
}

const listening = "0A";

/** The inodes of sockets that are in the way of `address`, from the lines of /proc/net/{tcp,udp}{,6}. */
export function inetSockets(
  lines: readonly string[],
  { host, port }: Exclude<EndpointAddress, { readonly family: "unix" }>,
  protocol: "tcp" | "udp",
): ReadonlySet<string> {
  const wanted = addressBits(host);
  const inodes = new Set<string>();
  for (const line of lines) {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/ +/);
    const [hex = "", hexPort = ""] = local.split(":");
    if (inode === undefined || Number.parseInt(hexPort, 16) !== port) continue;
    if (protocol === "tcp" && state !== listening) continue;
    const held = kernelAddress(hex);
    const isHeld = held === undefined || held === 0n || wanted === 0n || held === wanted;
    if (isHeld) inodes.add(inode);
  }
  return inodes;
}

/** An IPv4 address in IPv6's clothing is the IPv4 address; undefined where it is no address. */
function kernelAddress(hex: string): bigint | undefined {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(hex)) return undefined;
  // Words of the machine's byte order.
  const words = hex.match(/.{8}/g) ?? [];
  const ordered =
    endianness() === "LE" ? words.map((word) => word.match(/../g)?.reverse().join("") ?? "") : words;
  const address = BigInt(`0x${ordered.join("")}`);
  const mapped = 0xffff00000000n;
  return hex.length === 32 && address >> 32n === mapped >> 32n ? address & 0xffffffffn : address;
}

async function table(name: string): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/net/${name}`, "utf8")).split("\n").slice(1);
  } catch {
    return []; // Without /proc, or without that family, nothing is known.
  }
}

async function holderOf(inodes: ReadonlySet<string>): Promise<Holder | undefined> {
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid) || !(await holdsOne(pid, inodes))) continue;
    const program = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
    return { pid: Number(pid), program: program.trim() };
  }
  return undefined;
}

/** False also of a process that is gone by now, or that we may not look into. */
async function holdsOne(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  for (const descriptor of await readdir(directory).catch(() => [])) {
    const target = await readlink(`${directory}/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}
