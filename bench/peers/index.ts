// All adapters, in the order in which they run; and which of them this machine has.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { bareNode } from "./bare-node.js";
import { dinit } from "./dinit.js";
import { finit } from "./finit.js";
import { gnuShepherd } from "./gnu-shepherd.js";
import { limit } from "./limit.js";
import { nitro } from "./nitro.js";
import { openrc } from "./openrc.js";
import type { Peer } from "./peer.js";
import { pm2 } from "./pm2.js";
import { dumbInit, tini } from "./reapers.js";
import { runit } from "./runit.js";
import { s6, s6Notify, s6Stamped } from "./s6.js";
import { s6Rc } from "./s6-rc.js";
import { shepherdTs, shepherdTsHibernate, shepherdTsRecord } from "./shepherd-ts.js";
import { supervisor } from "./supervisor.js";

/** The plain one first. */
export const ours: readonly Peer[] = [shepherdTs, shepherdTsRecord, shepherdTsHibernate];

/** What is no rival, but says what the machine can do. */
export const limits: readonly Peer[] = [limit, bareNode];

export const rivals: readonly Peer[] = [
  gnuShepherd,
  dinit,
  nitro,
  runit,
  s6,
  s6Notify,
  s6Stamped,
  s6Rc,
  supervisor,
  openrc,
  finit,
  pm2,
  tini,
  dumbInit,
];

/** Directories with the programs that no package of the distribution installs, as PATH has them. */
const prefixVariable = "BENCH_PREFIX";

/** Finds the program of a peer, or undefined. */
export function findProgram(peer: Peer, program: string): string | undefined {
  const prefixes = (process.env[prefixVariable] ?? "").split(delimiter).filter((prefix) => prefix !== "");
  const below = prefixes.flatMap((prefix) =>
    [join(prefix, peer.name), prefix].flatMap((base) =>
      ["bin", "sbin", "node_modules/.bin"].map((folder) => join(base, folder)),
    ),
  );
  // Our own programs have GNU's names, and may be in PATH.
  const path =
    peer === gnuShepherd ? [] : [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return [...below, ...path].map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why a peer cannot take part, or undefined. */
export function whyAbsent(peer: Peer): string | undefined {
  const missing = peer.programs.filter((program) => findProgram(peer, program) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(", ")} not found${peer === gnuShepherd ? ` below $${prefixVariable}` : ` in PATH nor below $${prefixVariable}`}`;
}
