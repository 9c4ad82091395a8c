// Values that are one word or number: texts, booleans, times, numbers, names of units.

import { show } from "../../src/daemon/definition/check.js";
import { isTemplate, parseUnitName } from "../names.js";
import { parseBoolean, parseBounded, parseMode, parseShare, parseSize } from "../parser/number.js";
import { parseSignal } from "../parser/signal.js";
import { hasControls } from "../parser/text.js";
import { parseNanoseconds, parseTimeSpan } from "../parser/time-span.js";
import { BadValue, choice, mismatch, orEmpty, scalar, type ValueType } from "./type.js";

/** Text as it is written: for what nobody here understands. */
export const rawText: ValueType<string> = {
  expected: "text",
  parse: (text) => (text === "" ? undefined : text),
};

/** Text with specifiers. */
export const text: ValueType<string> = {
  expected: "text",
  parse: (given, _previous, context) => (given === "" ? undefined : context.expand(given)),
};

export const boolean = scalar("yes or no", parseBoolean);

/** One without which the unit would have other rights than it says. */
export const vitalBoolean = scalar("yes or no", parseBoolean, { refuses: true });

/** Seconds; Infinity for "infinity". */
export const timeSpan = scalar('a time span such as "5min 20s"', parseTimeSpan);

/** Seconds; 0 means that there is no limit. */
export const timeout = scalar(timeSpan.expected, (given) => {
  const seconds = parseTimeSpan(given);
  return seconds === 0 ? Number.POSITIVE_INFINITY : seconds;
});

export const resettableTimeSpan = orEmpty(timeSpan);

export const nanoseconds = scalar('a time span such as "50us"', parseNanoseconds);

export function integer(least: number, most: number): ValueType<number> {
  return scalar(`an integer from ${least} to ${most}`, (given) => parseBounded(given, least, most));
}

/** An octal number; what is empty is none. */
export const mode = scalar("a file mode such as 0750", parseMode);

/** Bytes. */
export const size = scalar('a size such as "64K"', (given) => parseSize(given));

/** A share of which 1 is the whole. */
export const share = scalar('a share such as "60%"', (given) => parseShare(given), { emptyResets: true });

/** The signal's number. */
export const signal = scalar('a signal such as "SIGTERM"', parseSignal);

/** What happens to the system as a whole. */
export const systemAction = choice([
  "none",
  "reboot",
  "reboot-force",
  "reboot-immediate",
  "poweroff",
  "poweroff-force",
  "poweroff-immediate",
  "exit",
  "exit-force",
] as const);

/** An exit status; nothing where it is empty. */
export const exitStatusOrNone = scalar(
  "an exit status from 0 to 255",
  (given) => parseBounded(given, 0, 255),
  {
    emptyResets: true,
  },
);

/** A word that says yes or no, or more exactly what. */
export function booleanOr<Word extends string>(words: readonly Word[]): ValueType<Word | "yes" | "no"> {
  return scalar<Word | "yes" | "no">(`yes, no, or one of ${words.join(", ")}`, (given) => {
    const flag = parseBoolean(given);
    if (flag !== undefined) return flag ? "yes" : "no";
    return words.find((word) => word === given);
  });
}

/** Text without blanks and control characters, with specifiers. */
export const word = scalar(
  "a word",
  (given, context) => {
    const expanded = context.expand(given);
    return hasControls(expanded) || /\s/.test(expanded) ? undefined : expanded;
  },
  { emptyResets: true },
);

/** A well-known name on the message bus: two elements at least, none of which begins with a digit. */
export const busName = scalar("a name on the bus such as org.example.Service", (given, context) => {
  const name = context.expand(given);
  const isName = /^[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+$/.test(name);
  return isName && name.length <= 255 ? name : undefined;
});

/** The name of a service, no template. */
export const service: ValueType<string> = {
  expected: "the name of a .service unit",
  parse(given, _previous, context) {
    const expanded = context.expandName(given);
    const name = parseUnitName(expanded);
    if (name?.type !== "service" || isTemplate(name)) throw new BadValue(mismatch(this.expected, expanded));
    return name.full;
  },
};

/** The name of a unit of another type than the one that it is named in. */
export const triggered: ValueType<string> = {
  expected: "the name of a unit of another type",
  parse(given, _previous, context) {
    const expanded = context.expandName(given);
    const name = parseUnitName(expanded);
    if (name === undefined || name.type === context.unit.type)
      throw new BadValue(mismatch(this.expected, expanded));
    return name.full;
  },
};

/** Numbers of CPUs or of nodes of memory: `0-3 5,7`. */
export const indexes: ValueType<readonly number[]> = {
  expected: 'numbers and ranges such as "0-3 5"',
  parse(given, previous, context) {
    if (given === "") return undefined;
    const found = new Set(previous);
    for (const item of context
      .expand(given)
      .split(/[ \t\n\r,]+/)
      .filter((one) => one !== "")) {
      const [, first = "", last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(item) ?? [];
      if (first === "" || Number(first) > Number(last) || Number(last) > 8191)
        throw new BadValue(`expected numbers and ranges such as "0-3 5", got ${show(item)}`);
      for (let index = Number(first); index <= Number(last); index += 1) found.add(index);
    }
    return [...found].sort((a, b) => a - b);
  },
};
