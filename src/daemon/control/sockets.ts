// What listens, as the protocol has it.

import { isIPv4 } from "node:net";
import type {
  SocketAddress,
  Endpoint as WireEndpoint,
  SocketsValue as WireValue,
} from "../../protocol/running-value.js";
import type { SocketsValue } from "../constructors/sockets.js";
import type { Endpoint, EndpointAddress } from "../definition/types.js";

/** The kernel's numbers. */
const styles = { stream: 1, datagram: 2, seqpacket: 5 } as const;

/** The numbers of the sockets' descriptors stay unsaid: they are the keeper's own. */
export function socketsWireValue({ type, endpoints, command }: SocketsValue): WireValue {
  return { type, endpoints: endpoints.map(wireEndpoint), sockets: [], command };
}

/** Owners are numbers once a socket is made; one that was not named is the supervisor's own. */
function wireEndpoint(endpoint: Endpoint): WireEndpoint {
  const { socketOwner: owner, socketGroup: group } = endpoint;
  return {
    name: endpoint.name,
    address: wireAddress(endpoint.address),
    style: styles[endpoint.style],
    backlog: endpoint.backlog,
    owner: typeof owner === "number" ? owner : (process.getuid?.() ?? 0),
    group: typeof group === "number" ? group : (process.getgid?.() ?? 0),
    permissions: endpoint.socketDirectoryPermissions,
    bindAttempts: endpoint.bindAttempts,
  };
}

function wireAddress(address: EndpointAddress): SocketAddress {
  if (address.family === "unix") return address;
  const { family, host, port } = address;
  return { family, address: family === "ipv4" ? bits(octets(host), 8) : bits(groups(host), 16), port };
}

function bits(parts: readonly number[], width: number): bigint {
  return parts.reduce((sum, part) => (sum << BigInt(width)) | BigInt(part), 0n);
}

const octets = (host: string): readonly number[] => host.split(".").map(Number);

/** The eight groups of an IPv6 address, whose text may end in an IPv4 address and leave out a run of zeros. */
function groups(host: string): readonly number[] {
  const [left = [], right] = host
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":").flatMap(groupsOf)));
  if (right === undefined) return left;
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOf(part: string): readonly number[] {
  if (!isIPv4(part)) return [Number.parseInt(part, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = octets(part);
  return [a * 256 + b, c * 256 + d];
}
