// Addresses that sockets are bound to, as ListenStream= and its like have them.

import { isIPv4, isIPv6 } from "node:net";
import { largest, parseBounded } from "./number.js";
import { isAbsolute } from "./path.js";

export type SocketAddress =
  | { readonly family: "unix"; readonly path: string }
  /** In Linux's own name space of sockets, without the `@` that units write before it. */
  | { readonly family: "abstract"; readonly name: string }
  | { readonly family: "ipv4"; readonly host: string; readonly port: number }
  /** With `interface`, a network interface's name or number, for addresses that have a meaning only there. */
  | { readonly family: "ipv6"; readonly host: string; readonly port: number; readonly interface?: string }
  /** All addresses of IPv6 and, as BindIPv6Only= says, of IPv4. */
  | { readonly family: "any"; readonly port: number }
  /** `cid` is undefined for any. */
  | { readonly family: "vsock"; readonly cid?: number; readonly port: number };

/** Bytes of the name of a socket: without the NUL that ends it, and for an abstract one also without that before it. */
const longest = { path: 107, abstract: 106 } as const;

/** A port, `IPV4:PORT`, `[IPV6]:PORT%INTERFACE`, `/PATH`, `@NAME` or `vsock:CID:PORT`; undefined where it is none. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  if (isAbsolute(text))
    return Buffer.byteLength(text) <= longest.path ? { family: "unix", path: text } : undefined;
  if (text.startsWith("@")) return parseAbstract(text.slice(1));
  if (text.startsWith("vsock:")) return parseVsock(text.slice("vsock:".length));
  const port = parsePort(text);
  if (port !== undefined) return { family: "any", port };
  return text.startsWith("[") ? parseIpv6(text) : parseIpv4(text);
}

function parseAbstract(name: string): SocketAddress | undefined {
  return name !== "" && Buffer.byteLength(name) <= longest.abstract
    ? { family: "abstract", name }
    : undefined;
}

function parsePort(text: string): number | undefined {
  return parseBounded(text, 1, 65_535);
}

function parseIpv4(text: string): SocketAddress | undefined {
  const colon = text.indexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  const port = parsePort(text.slice(colon + 1));
  return isIPv4(host) && port !== undefined ? { family: "ipv4", host, port } : undefined;
}

function parseIpv6(text: string): SocketAddress | undefined {
  const [, host = "", portText = "", scope] =
    /^\[([^\]%]*)\]:([^%]*)(?:%([A-Za-z0-9_.:-]+))?$/.exec(text) ?? [];
  const port = parsePort(portText);
  if (!isIPv6(host) || port === undefined) return undefined;
  return { family: "ipv6", host, port, ...(scope === undefined ? {} : { interface: scope }) };
}

function parseVsock(text: string): SocketAddress | undefined {
  const [cidText = "", portText = "", ...more] = text.split(":");
  const cid = cidText === "" ? undefined : parseBounded(cidText, 0, largest.unsigned);
  const port = parseBounded(portText, 0, largest.unsigned);
  if (more.length > 0 || port === undefined || (cidText !== "" && cid === undefined)) return undefined;
  return { family: "vsock", port, ...(cid === undefined ? {} : { cid }) };
}
