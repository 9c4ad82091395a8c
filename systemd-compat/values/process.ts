// Values that say how a process is set up and ended: limits, scheduling, capabilities, exit statuses.

import { type Capability, capabilities, parseCapability } from "../parser/capability.js";
import { parseLimit, type Resource, type ResourceLimit } from "../parser/limits.js";
import { largest, parseBounded } from "../parser/number.js";
import { parseExitStatus, parseSignal } from "../parser/signal.js";
import { integer } from "./basic.js";
import { checked, listOf, tolerate, wordsOf } from "./lists.js";
import { BadValue, choice, mismatch, orEmpty, scalar, type ValueType } from "./type.js";

/** A limit of setrlimit(2), in its unit. */
export function limit(resource: Resource): ValueType<ResourceLimit> {
  return scalar('a limit, or "SOFT:HARD" with the first not above the other', (text) =>
    parseLimit(resource, text),
  );
}

export const nice = orEmpty(integer(-20, 19));
export const oomScoreAdjust = orEmpty(integer(-1000, 1000));

const ioClasses = ["none", "realtime", "best-effort", "idle"] as const;
export type IoClass = (typeof ioClasses)[number];

export const ioClass: ValueType<IoClass> = scalar<IoClass>(
  `one of ${ioClasses.join(", ")}`,
  (text) => ioClasses.find((one) => one === text) ?? ioClasses[parseBounded(text, 0, 3) ?? -1],
  { emptyResets: true },
);

const policies = ["other", "fifo", "rr", "batch", "", "idle"] as const;
export type SchedulingPolicy = Exclude<(typeof policies)[number], "">;

export const schedulingPolicy: ValueType<SchedulingPolicy> = scalar<SchedulingPolicy>(
  "one of other, batch, idle, fifo, rr",
  (text) => {
    const found = policies.find((one) => one === text) ?? policies[parseBounded(text, 0, 5) ?? -1];
    return found === "" ? undefined : found;
  },
  { emptyResets: true },
);

export const ioPriority = orEmpty(integer(0, 7));
export const schedulingPriority = integer(0, 99);

/** Exit statuses and signals that a process ends with. */
export interface ExitStatuses {
  readonly codes: readonly number[];
  readonly signals: readonly number[];
}

export const exitStatuses: ValueType<ExitStatuses> = {
  expected: "exit statuses and signals, by number or name",
  parse(text, previous = { codes: [], signals: [] }, context) {
    if (text === "") return undefined;
    const codes = new Set(previous.codes);
    const signals = new Set(previous.signals);
    // Quotes have no meaning here.
    for (const word of wordsOf(text, { unquote: false }, context)) {
      const found = tolerate(context, () => readStatus(word));
      if (found?.kind === "code") codes.add(found.number);
      if (found?.kind === "signal") signals.add(found.number);
    }
    return { codes: [...codes], signals: [...signals] };
  },
};

function readStatus(word: string): { readonly kind: "code" | "signal"; readonly number: number } {
  const code = parseExitStatus(word);
  if (code !== undefined) return { kind: "code", number: code };
  const signal = parseSignal(word);
  if (signal !== undefined) return { kind: "signal", number: signal };
  throw new BadValue(mismatch("an exit status or a signal", word));
}

/**
 * Capabilities. A list after `~` takes away from what there was; the first of all assignments takes it from `initial`, and
 * otherwise replaces that.
 */
function capabilitySet(initial: readonly Capability[]): ValueType<readonly Capability[]> {
  return {
    expected: "capabilities such as CAP_NET_ADMIN",
    parse(text, previous = initial, context) {
      const inverted = text.startsWith("~");
      const read = checked("a capability such as CAP_NET_ADMIN", parseCapability);
      const named = wordsOf(inverted ? text.slice(1) : text, { cEscapes: true }, context).flatMap((word) => {
        const capability = tolerate(context, () => read(word));
        return capability === undefined ? [] : [capability];
      });
      const others = capabilities.filter((one) => !named.includes(one));
      if (named.length === 0 || sameMembers(previous, initial)) return inverted ? others : sorted(named);
      return inverted ? previous.filter((one) => !named.includes(one)) : sorted([...previous, ...named]);
    },
  };
}

function sameMembers(some: readonly Capability[], others: readonly Capability[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}

function sorted(some: readonly Capability[]): Capability[] {
  return capabilities.filter((one) => some.includes(one));
}

/** Those that the unit's processes can ever have. */
export const boundingCapabilities = capabilitySet(capabilities);
/** Those that they have from the beginning, whatever their user is. */
export const ambientCapabilities = capabilitySet([]);

export const secureBits: ValueType<readonly string[]> = listOf(
  { expected: "bits such as noroot", repeats: false },
  checked("one of keep-caps, no-setuid-fixup and noroot, or these with -locked", (word) =>
    /^(?:keep-caps|no-setuid-fixup|noroot)(?:-locked)?$/.test(word) ? word : undefined,
  ),
);

const killModes = choice(["control-group", "process", "mixed", "none"] as const);

/** Which processes are ended when the unit stops. */
export const killMode: typeof killModes = {
  expected: killModes.expected,
  parse(text, previous, context) {
    if (text === "") return undefined;
    const mode = killModes.parse(text, previous, context);
    if (mode === "none")
      context.notice("with none, processes stay behind when the unit stops", "that is done");
    return mode;
  },
};
export const killSignal = scalar('a signal such as "SIGTERM"', parseSignal);
export const count = integer(0, largest.unsigned);
