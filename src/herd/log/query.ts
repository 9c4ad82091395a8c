// What `herd log` is asked for, checked: which lines, how many, and whether to go on with those that come.
import { UsageError } from "../../cli/gnu-options.js";
import type { Options } from "../arguments.js";
import { acceptedMoments, parseMoment } from "./moments.js";

export interface LogQuery {
  /** At most so many of the last lines; absent: all. */
  readonly lines?: number;
  /** Seconds since the epoch, both included; stamps have whole seconds. */
  readonly since?: number;
  readonly until?: number;
  readonly pattern?: RegExp;
  readonly follow: boolean;
  readonly json: boolean;
}

/** How many of the last lines are shown where nothing says which: alone, and before what follows. */
const usualLines = { alone: 100, followed: 10 } as const;

/** Whether an option is there that only reading the files can serve. */
export function isAboutLines({ follow, since, until, grep }: Options): boolean {
  return follow === true || since !== undefined || until !== undefined || grep !== undefined;
}

/**
 * @param now seconds since the epoch
 * @throws UsageError
 */
export function parseQuery(options: Options, now: number): LogQuery {
  const follow = options.follow === true;
  if (follow && options.until !== undefined)
    throw new UsageError("--until: it goes on for ever with --follow; leave out one of them");
  const since = momentOf("--since", options.since, now);
  const until = momentOf("--until", options.until, now);
  if (since !== undefined && until !== undefined && since > until)
    throw new UsageError(`--since: ${options.since} is after --until: ${options.until}`);
  const lines = options.logHistory ?? usualCount(options, follow);
  return {
    follow,
    json: options.json === true,
    ...(lines === undefined ? {} : { lines }),
    ...(since === undefined ? {} : { since: Math.floor(since) }),
    ...(until === undefined ? {} : { until: Math.floor(until) }),
    ...(options.grep === undefined ? {} : { pattern: patternOf(options.grep) }),
  };
}

/** Who says which lines wants all of them. */
function usualCount({ since, until, grep }: Options, follow: boolean): number | undefined {
  if (since !== undefined || until !== undefined) return undefined;
  if (follow) return usualLines.followed;
  return grep === undefined ? usualLines.alone : undefined;
}

function momentOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const moment = parseMoment(text, now);
  if (moment === undefined) throw new UsageError(`${option}: ${text}: expected ${acceptedMoments}`);
  return moment;
}

/** Without regard to case unless the pattern has a capital; that of an escape such as \S says nothing. */
function patternOf(text: string): RegExp {
  const hasCapital = /\p{Lu}/u.test(text.replace(/\\./gs, ""));
  try {
    return new RegExp(text, hasCapital ? "" : "i");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--grep: ${reason}; expected a JavaScript regular expression`);
  }
}
