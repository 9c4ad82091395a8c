// `endpoint`: an address to listen at, as "Service De- and Constructors" of the manual has it, checked.

import { isIPv4, isIPv6 } from "node:net";
import { type Checks, check, checkFields, fail, isRecord, type Subject, show } from "./check.js";
import { fields, isCount, listOf } from "./fields.js";
import { frozenCopy } from "./freeze.js";
import type { Endpoint, EndpointAddress, EndpointOptions } from "./types.js";

/** An address of the Internet; the host is numeric. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** The manual's defaults; sockets in the file system are for everybody who can enter their directory. */
const defaults = {
  name: "unknown",
  style: "stream",
  backlog: 128,
  socketPermissions: 0o666,
  socketDirectoryPermissions: 0o755,
  bindAttempts: 5,
} as const;

/** What the kernel has room for, the NUL at the end included. */
const pathBytes = 108;
/** The kernel's own cap is a machine's setting, but it takes no number beyond this. */
const mostWaiting = 65_535;

const permissions = check<number>("permissions from 0 to 0o777", (value) => isCount(value) && value <= 0o777);

const checks: Checks<EndpointOptions> = {
  name: check(
    "a name of up to 255 ASCII characters without spaces and colons",
    (value) => typeof value === "string" && /^[!-9;-~]{1,255}$/.test(value),
  ),
  style: check('"stream", "datagram" or "seqpacket"', (value) =>
    ["stream", "datagram", "seqpacket"].includes(value as string),
  ),
  backlog: check(
    `a number from 1 to ${mostWaiting}`,
    (value) => isCount(value) && value >= 1 && value <= mostWaiting,
  ),
  socketOwner: fields.account,
  socketGroup: fields.account,
  socketPermissions: permissions,
  socketDirectoryPermissions: permissions,
  bindAttempts: check("a number from 1 to 1000", (value) => isCount(value) && value >= 1 && value <= 1000),
};

const made = new WeakSet<object>();

/** At least one of them, each made here: what only looks like one was never checked. */
export const endpointList = listOf<Endpoint>(
  "a list of endpoints made by endpoint(…)",
  (value) => typeof value === "object" && value !== null && made.has(value),
  1,
);

/**
 * A place at which a service listens: `"/run/web.socket"`, `"@abstract"`, `"127.0.0.1:80"`, `"[::1]:80"`, `{ host, port }`,
 * or a port, which is one of every IPv4 address. IPv6 addresses get no IPv4 connections. The socket is made when the
 * service starts.
 *
 * @throws DefinitionError where the address or an option is not what it should be
 */
export function endpoint(address: string | number | HostAndPort, options: EndpointOptions = {}): Endpoint {
  const of = { what: "endpoint" };
  const parsed = addressOf(of, address);
  const checked = checkFields<EndpointOptions>(of, options, checks);
  if (parsed.family !== "unix") refuseInet(of, checked);
  const one: Endpoint = frozenCopy({ ...defaults, ...checked, address: parsed });
  made.add(one);
  return one;
}

const expected =
  'expected an absolute file name of up to 107 bytes, "@NAME", "IPV4:PORT", "[IPV6]:PORT", {host, port} with a numeric ' +
  "host, or a port, from 1 to 65535";

function addressOf(of: Subject, address: unknown): EndpointAddress {
  const found =
    typeof address === "string"
      ? parseText(address)
      : isRecord(address)
        ? inet(Object.keys(address).length === 2 ? address.host : undefined, address.port)
        : inet("0.0.0.0", address);
  return found ?? fail(of, `${expected}; got ${show(address)}`);
}

function parseText(text: string): EndpointAddress | undefined {
  if (/^(\/|@.)/s.test(text)) {
    const fits = Buffer.byteLength(text) < pathBytes && !text.includes("\0") && !/\/\.{0,2}$/.test(text);
    return fits ? { family: "unix", path: text } : undefined;
  }
  const [, v6, v4, port = ""] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (v6 !== undefined && !isIPv6(v6)) return undefined;
  return v6 === undefined && !isIPv4(v4 ?? "") ? undefined : inet(v6 ?? v4, Number(port));
}

function inet(host: unknown, port: unknown): EndpointAddress | undefined {
  if (typeof host !== "string" || !isCount(port) || port < 1 || port > 65_535) return undefined;
  if (isIPv4(host)) return { family: "ipv4", host, port };
  // An address of one link only is more than a number.
  return isIPv6(host) && !host.includes("%") ? { family: "ipv6", host, port } : undefined;
}

function refuseInet(of: Subject, options: EndpointOptions): void {
  const field = Object.keys(options).find((name) => name.startsWith("socket"));
  if (field !== undefined)
    fail(of, `field "${field}": only sockets in the file system have owner and permissions`);
  if (options.style === "seqpacket") fail(of, 'field "style": "seqpacket" exists for Unix sockets only');
}

/** As users write and read it. */
export function addressText(address: EndpointAddress): string {
  if (address.family === "unix") return address.path;
  const host = address.family === "ipv6" ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Whether two sockets cannot be bound at the same time: what is bound is the same. */
export function sameAddress(one: Endpoint, other: Endpoint): boolean {
  const styleMatters = one.address.family !== "unix" || one.address.path.startsWith("@");
  return (
    addressText(one.address) === addressText(other.address) && (!styleMatters || one.style === other.style)
  );
}
