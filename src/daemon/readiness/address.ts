// Where the notify socket of a service is.

import { createHash, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Host } from "../constructors/host.js";
import type { BuiltinStart } from "../definition/types.js";
import { decode } from "../units/encoded.js";
import { placesOf } from "../units/execution/places.js";

/** Bytes of the path of a socket, as the kernel has it. */
const longest = 107;

/**
 * An address that nobody else has. Abstract ones are for services that share our network: those of units, which may have one
 * of their own, are files. What lies below another root directory is reached by an abstract one alone.
 */
export async function notifyAddress(
  host: Pick<Host, "markPrefix" | "environment" | "unitPlaces">,
  service: string,
  start: BuiltinStart | undefined,
): Promise<string> {
  const path = start?.kind === "unit" && !hasOtherRoot(start) ? pathFor(host, service) : undefined;
  if (path !== undefined) {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      return path;
    } catch {
      // As for a user without a runtime directory: most units do as well with an abstract one.
    }
  }
  // Nobody can have taken it before us, nor guess it to be the next.
  return `@shepherd/${host.markPrefix}/${randomBytes(8).toString("hex")}`;
}

function hasOtherRoot({ service }: Extract<BuiltinStart, { kind: "unit" }>): boolean {
  const { RootDirectory, RootImage } = decode(service);
  return RootDirectory !== undefined || RootImage !== undefined;
}

/** The same for each start: what an end without warning has left is replaced. Undefined where it is too long. */
function pathFor(
  host: Pick<Host, "markPrefix" | "environment" | "unitPlaces">,
  service: string,
): string | undefined {
  const { runtime, own, ownIsAlone = false } = host.unitPlaces ?? placesOf(host);
  const whose = ownIsAlone ? dirname(own) : own;
  const digest = createHash("sha256").update(`${whose}\0${service}`).digest("hex").slice(0, 24);
  const path = join(runtime, "shepherd-notify", digest);
  return Buffer.byteLength(path) <= longest ? path : undefined;
}

/** Whether it is a file, which does not go with its descriptor. */
export function isFile(address: string): boolean {
  return address.startsWith("/");
}
