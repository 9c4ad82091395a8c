// How the start of a unit can end other than well.

import { StartFailure } from "../constructors/host.js";
import type { Aftermath } from "../controller/state.js";
import type { UnitResult } from "./result.js";

/** A start of a unit that failed: its message says which command or setting, and why. */
export class UnitFailure extends StartFailure {
  readonly result: UnitResult;
  /** How what still runs is ended. */
  readonly by: Aftermath["by"];

  constructor(result: UnitResult, reason: string, by?: Aftermath["by"]) {
    super(reason);
    this.result = result;
    this.by = by;
  }

  /** Whether nothing was begun, so that nothing is to be ended either. */
  get isClean(): boolean {
    return this.result === "assert";
  }
}

/** A start that a condition has left out, which is no failure. */
export class Skipped extends Error {
  override readonly name = "Skipped";
  /** Whether it was a command that said so: others may have run before. */
  readonly byCommand: boolean;

  constructor(reason: string, byCommand: boolean) {
    super(reason);
    this.byCommand = byCommand;
  }
}
