// Numeric addresses of the Internet as numbers.

import { isIPv4 } from "node:net";

/** @param host a numeric address, IPv4 or IPv6, as `isIP` accepts it, without a zone */
export function addressBits(host: string): bigint {
  return isIPv4(host) ? bits(octets(host), 8) : bits(groups(host), 16);
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
