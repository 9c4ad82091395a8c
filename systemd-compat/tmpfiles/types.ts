// What lines of tmpfiles.d(5) say, once they are read.

import type { Position } from "../diagnostics.js";
import type { Age } from "./age.js";

/** Types of lines; `F` is an old way to write `f+`, `m` one to write `z`. */
export const lineTypes = "fFwdDevqQpLcbCxXrRmzZtThHaA";

/** Those that bring something into being or decide what becomes of it: of two for the same place only one is possible. */
const owningTypes = "fFwdDevqQpLcbCxXrR";

/** Those whose path is a pattern. */
const patternTypes = "wexXrRmzZtThHaA";

/** Those that may be told what to write into a file. */
const contentTypes = "fFw";

export const takesOwnership = ({ type }: Pick<Line, "type">): boolean => owningTypes.includes(type);
export const hasPattern = ({ type }: Pick<Line, "type">): boolean => patternTypes.includes(type);
export const hasContents = ({ type }: Pick<Line, "type">): boolean => contentTypes.includes(type);
/** Whether it is about a directory that is made where it is missing. */
export const makesDirectory = ({ type }: Pick<Line, "type">): boolean => "dDvqQ".includes(type);

export interface Mode {
  readonly value: number;
  /** `~`: bits that nobody has on what is there are not given to it. */
  readonly masked: boolean;
  /** `:`: what is there already keeps its own. */
  readonly onlyNew: boolean;
}

export interface Owner {
  readonly id: number;
  /** `:`: what is there already keeps its own. */
  readonly onlyNew: boolean;
}

/** Where the contents of a file come from, if a line gives any. */
export type Contents =
  | { readonly from: "line"; readonly bytes: Buffer }
  | { readonly from: "credential"; readonly name: string; readonly isBase64: boolean };

export interface Line extends Position {
  /** One of `lineTypes`. */
  readonly type: string;
  /** Absolute, without doubled slashes. */
  readonly path: string;
  readonly mode?: Mode;
  readonly user?: Owner;
  readonly group?: Owner;
  readonly age?: Age;
  /** The last field with specifiers replaced; absent for lines that write contents. */
  readonly argument?: string;
  readonly contents?: Contents;
  /** `+`: replaces, appends or adds. */
  readonly force: boolean;
  /** `-`: a failure to create it does not count. */
  readonly mayFail: boolean;
  /** `=`: what is there and of another kind is removed. */
  readonly replaces: boolean;
}

export type Operation = "create" | "remove" | "clean";
