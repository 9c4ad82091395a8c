// What the views of services share: how a process ended, a command line, an address, a service stuck in a transition.
import type { SocketAddress } from "../../protocol/running-value.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { writeString } from "../../protocol/sexp-writer.js";
import type { Style } from "./style.js";
import { duration } from "./time.js";

/** After these many seconds a service that is still starting or stopping is highlighted; then as an error. */
const SLOW = 30;
const STUCK = 60;

/** How to show a service that may be stuck on its way up or down. */
export function stuckSince(service: ServiceStatus, style: Style, now: number): (text: string) => string {
  const since = service.statusChanges[0]?.time;
  const isInTransition = service.status === "starting" || service.status === "stopping";
  if (!isInTransition || since === undefined) return (text) => text;
  if (now - since >= STUCK) return style.error;
  return now - since >= SLOW ? style.warning : (text) => text;
}

/** One of the fields that only our daemon sends, where it is there and a text. */
export function extraText(service: ServiceStatus, field: string): string | undefined {
  const value = service.extra.get(field);
  return typeof value === "string" ? value : undefined;
}

/** `Process exited with code 3.`, from a wait status; of a run that took `seconds`, with that. */
export function processEnd(status: number, style: Style, seconds?: number): string {
  const after = seconds === undefined ? "" : ` after ${duration(seconds)}`;
  if (status === 0) return `Process exited successfully${after}.\n`;
  const signal = status & 0x7f;
  if (signal === 0) return style.error(`Process exited with code ${(status >> 8) & 0xff}${after}.\n`);
  if (signal === 0x7f) return style.error(`Process stopped with signal ${(status >> 8) & 0xff}${after}.\n`);
  return style.error(`Process terminated with signal ${signal}${after}.\n`);
}

/** Words that need it are quoted, so that the line can be read; it is not meant for a shell. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/[\\"'()?!\s]/.test(word) ? writeString(word) : word)).join(" ");
}

export function addressText(address: SocketAddress): string {
  switch (address.family) {
    case "unix":
      return address.path;
    case "ipv4":
      return `${groups(address.address, 4, 8n).join(".")}:${address.port}`;
    case "ipv6":
      return `[${compressIpv6(groups(address.address, 8, 16n))}]:${address.port}`;
  }
}

/** The address's groups of bits, most significant first. */
function groups(address: bigint, length: number, bits: bigint): number[] {
  const all = Array.from({ length }, (_, index) =>
    Number((address >> (BigInt(index) * bits)) % (1n << bits)),
  );
  return all.reverse();
}

/** The longest run of two or more zero groups is left out. */
function compressIpv6(parts: readonly number[]): string {
  const text = parts.map((part) => part.toString(16)).join(":");
  const runs = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)];
  let longest: RegExpExecArray | undefined;
  for (const run of runs) if (longest === undefined || run[0].length > longest[0].length) longest = run;
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}
