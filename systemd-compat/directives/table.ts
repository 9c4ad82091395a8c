// What the tables of directives are made of: a row for each, with its type, what is done with it and what it is for.

import type { ValueType } from "../values/type.js";

/**
 * What is done with a directive. `M1`, `M2`: it is implemented, as the core of a service or less often needed. `C`: it
 * confines, and is applied where the kernel lets us. `I`: ignoring it does no harm. `U`: it cannot be done here.
 */
export type Policy = "M1" | "M2" | "C" | "I" | "U";

/** What is lost where it is ignored: function (`F`), safety (`S`), control of resources (`R`), nothing (`N`). */
export type Effect = "F" | "S" | "R" | "N";

export interface Directive<Value = unknown, Into extends string | undefined = string | undefined> {
  readonly policy: Policy;
  readonly effect: Effect;
  readonly type: ValueType<Value>;
  /** The setting that its value becomes a part of, where several directives make one. */
  readonly into: Into;
  /** Other directives that it stands for. */
  readonly sets?: readonly string[];
}

export type Table = Readonly<Record<string, Directive>>;

/** The settings that the directives of a table make: each by the directive's name, absent where it was not assigned. */
export type Settings<Rows> = {
  readonly [Name in keyof Rows as Rows[Name] extends { readonly into: infer Into extends string }
    ? Into
    : Name]?: Rows[Name] extends Directive<infer Value, string | undefined> ? Value : never;
};

type Row = <Value>(type: ValueType<Value>) => Directive<Value, undefined>;

function row(policy: Policy, effect: Effect): Row {
  return (type) => ({ policy, effect, type, into: undefined });
}

/** The core, and what is needed less often; without effect on function where that is said. */
export const core = row("M1", "F");
export const coreText = row("M1", "N");
export const rare = row("M2", "F");
export const rareResource = row("M2", "R");
export const rareManner = row("M2", "N");
/** What confines, and so protects others, limits resources, or does work that the service needs. */
export const confining = row("C", "S");
export const limiting = row("C", "R");
export const arranging = row("C", "F");
/** What can be ignored, though some of it changes what happens. */
export const harmless = row("I", "N");
export const harmlessResource = row("I", "R");
export const harmlessLoss = row("I", "F");
/** What cannot be done here, and what that costs. */
export const impossible = row("U", "F");
export const impossibleSafety = row("U", "S");
export const impossibleResource = row("U", "R");
export const impossibleDetail = row("U", "N");

/** A directive whose value becomes a part of another setting. */
export function into<Value, Into extends string>(
  name: Into,
  directive: Directive<Value, undefined>,
): Directive<Value, Into> {
  return { ...directive, into: name };
}

/** A directive that stands for several others of its type. */
export function standsFor<Value>(
  names: readonly string[],
  directive: Directive<Value, undefined>,
): Directive<Value, undefined> {
  return { ...directive, sets: names };
}
