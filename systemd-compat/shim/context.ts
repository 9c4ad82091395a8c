// What each command of systemctl works with.

import type { Output } from "../../src/herd/output.js";
import { mangleName, parseUnitName, type UnitName, type UnitType, unitName } from "../names.js";
import type { Daemon } from "./daemon.js";
import { type Options, UsageError } from "./options.js";
import type { UnitFiles } from "./unit-files.js";

/** Why a command ends with a status other than 0; what it says is on standard error. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly status: number;

  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}

export interface Context {
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Options;
  readonly output: Output;
  readonly errors: Output;
  readonly daemon: Daemon;
  /** The units as they are on disk; read once, and anew after a change. */
  readonly units: () => Promise<UnitFiles>;
}

/** Exit statuses of systemctl, which are those of init scripts. */
export const statuses = { ok: 0, failed: 1, notActive: 3, noSuchUnit: 4, notLoaded: 5 } as const;

/** @throws UsageError where none is given */
export function namesOf(
  { words }: Pick<Context, "words">,
  suffix: UnitType = "service",
): readonly UnitName[] {
  if (words.length === 0) throw new UsageError("Too few arguments.");
  return words.map((word) => nameOf(word, suffix));
}

export function nameOf(word: string, suffix: UnitType = "service"): UnitName {
  const full = mangleName(word, suffix);
  if (full === undefined || parseUnitName(full) === undefined)
    throw new Failure(`Invalid unit name "${word}".`);
  return unitName(full);
}

export const say = ({ output }: Pick<Context, "output">, line: string): void => output.write(`${line}\n`);

/** A line on standard error, unless little is to be said. */
export function tell({ errors, options }: Pick<Context, "errors" | "options">, line: string): void {
  if (!options.quiet) errors.write(`${line}\n`);
}
