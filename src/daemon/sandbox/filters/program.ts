// From rules about calls to a filter: a binary search over the numbers of calls, then what a call's rules say of its arguments.

import {
  type Action,
  assembled,
  branch,
  codes,
  type Instruction,
  load,
  mostInstructions,
  offsets,
  result,
} from "./instructions.js";

/** Holds where the lower half of an argument, as far as `mask` goes, is from `low` to `high`. */
export interface ArgumentTest {
  /** From 0 to 5. */
  readonly argument: number;
  /** Default: all 32 bits. */
  readonly mask?: number;
  readonly low: number;
  readonly high: number;
}

/** What happens to a call where all tests hold. */
export interface Rule {
  readonly tests: readonly ArgumentTest[];
  readonly action: Action;
}

/** What happens to calls with certain numbers. */
export interface CallRules {
  /** By number; the first rule that holds counts. */
  readonly rules: ReadonlyMap<number, readonly Rule[]>;
  /** For calls without a rule that holds. */
  readonly otherwise: Action;
  /** For numbers that have no rules at all. */
  readonly unknown: Action;
}

/** The calls of one of the kernel's interfaces. */
export interface Part {
  /** The number by which the kernel tells the interface. */
  readonly audit: number;
  /** The first number of its calls: variants of an interface share `audit`, and number their calls from elsewhere. */
  readonly base: number;
  readonly calls: CallRules | Action;
}

interface Span {
  readonly from: number;
  readonly code: readonly Instruction[];
}

const all = 0xffffffff;

/**
 * The filter's bytes.
 * @param elsewhere what happens to calls by other interfaces
 */
export function filterProgram(parts: readonly Part[], elsewhere: Action): Uint8Array {
  const audits = [...new Set(parts.map(({ audit }) => audit))];
  let program: readonly Instruction[] = [result(elsewhere)];
  for (const audit of audits.reverse()) {
    const same = parts.filter((part) => part.audit === audit).sort((one, other) => one.base - other.base);
    const spans = merged(same.flatMap(spansOf));
    program = branch(codes.ifEqual, audit, [load(offsets.number), ...search(spans)], program);
  }
  return assembled([load(offsets.architecture), ...program]);
}

/** Ranges of numbers with the same code, in order. */
function spansOf({ base, calls }: Part): Span[] {
  if (typeof calls === "string" || "errno" in calls) return [{ from: base, code: [result(calls)] }];
  const spans: Span[] = [{ from: base, code: [result(calls.unknown)] }];
  const numbers = [...calls.rules.keys()].sort((one, other) => one - other);
  for (const [index, number] of numbers.entries()) {
    spans.push({ from: base + number, code: decide(calls.rules.get(number) ?? [], calls.otherwise) });
    if (numbers[index + 1] !== number + 1)
      spans.push({ from: base + number + 1, code: [result(calls.unknown)] });
  }
  return spans;
}

/** A span that goes on as the one before is a part of that; one that is empty is none. */
function merged(spans: readonly Span[]): Span[] {
  const kept: Span[] = [];
  let last = "";
  for (const [index, span] of spans.entries()) {
    const code = JSON.stringify(span.code);
    if (span.from === spans[index + 1]?.from || code === last) continue;
    kept.push(span);
    last = code;
  }
  return kept;
}

function search(spans: readonly Span[]): readonly Instruction[] {
  const middle = spans.length >> 1;
  const span = spans[middle];
  if (span === undefined) throw new RangeError("no calls to search in");
  if (middle === 0) return span.code;
  return branch(codes.ifAtLeast, span.from, search(spans.slice(middle)), search(spans.slice(0, middle)));
}

function decide([rule, ...rest]: readonly Rule[], otherwise: Action): readonly Instruction[] {
  if (rule === undefined) return [result(otherwise)];
  if (rule.tests.length === 0) return [result(rule.action)];
  let code: readonly Instruction[] = [result(rule.action)];
  for (const test of [...rule.tests].reverse()) code = [...examine(test, code.length), ...code];
  if (code.length > mostInstructions) throw new RangeError("too many tests of a call's arguments");
  return [...code, ...decide(rest, otherwise)];
}

/** Goes on where the test holds, and skips `rest` instructions where not. */
function examine({ argument, mask = all, low, high }: ArgumentTest, rest: number): Instruction[] {
  const value = load(offsets.argument + 8 * argument);
  const masked = mask === all ? [value] : [value, { code: codes.and, yes: 0, no: 0, operand: mask >>> 0 }];
  if (low === high) return [...masked, { code: codes.ifEqual, yes: 0, no: rest, operand: low >>> 0 }];
  const bounds: Instruction[] = [];
  if (high < all) bounds.push({ code: codes.ifGreater, yes: rest, no: 0, operand: high >>> 0 });
  if (low > 0)
    bounds.unshift({ code: codes.ifAtLeast, yes: 0, no: rest + bounds.length, operand: low >>> 0 });
  return [...masked, ...bounds];
}
