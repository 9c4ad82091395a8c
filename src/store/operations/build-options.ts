// The options that a connection's builds are made with.

import { check, checkFields } from "../../daemon/definition/check.js";
import { fields, listOf } from "../../daemon/definition/fields.js";
import { perform, type StoreConnection } from "../connection.js";
import type { Versions } from "../handshake.js";
import { nothing } from "../wire/decode.js";
import type { Encoder } from "../wire/encoder.js";
import { argument } from "./arguments.js";

/** What is absent is left as it is, at first as the daemon has it, unless a default is given. */
export interface BuildOptions {
  /** Whether the directory of a build that failed is kept; default false. */
  readonly keepFailed?: boolean;
  /** Whether the other builds go on after one has failed; default false. */
  readonly keepGoing?: boolean;
  /** Whether what a substitute fails for is built; default false. */
  readonly fallback?: boolean;
  /** How much the daemon tells; default 0. */
  readonly verbosity?: number;
  /** How often each derivation is built, to see that the results are the same. */
  readonly rounds?: number;
  /** Builds at a time. */
  readonly maxBuildJobs?: number;
  /** Seconds that a build may take. */
  readonly timeout?: number;
  /** Seconds that a build may be silent. */
  readonly maxSilentTime?: number;
  /** CPUs for each build; 0 for as many as there are. */
  readonly buildCores?: number;
  /** Whether builds may be done on other machines; default true. */
  readonly offload?: boolean;
  /** How much of what builders say is told; default 0. */
  readonly buildVerbosity?: number;
  /** How the log is structured; default 0. */
  readonly logType?: number;
  /** Whether the log has lines that begin with `@` and say what begins and ends; default true. */
  readonly printBuildTrace?: boolean;
  /** Whether these tell how far downloads are. Only with `printBuildTrace`. */
  readonly printExtendedBuildTrace?: boolean;
  /** Whether each piece of a builder's output follows a line `@ build-log PID LENGTH`. */
  readonly multiplexedBuildOutput?: boolean;
  /** Whether what can be downloaded is not built; default true. */
  readonly useSubstitutes?: boolean;
  /** Where substitutes are sought. */
  readonly substituteUrls?: readonly string[];
  /** Who asks, for substitutes that depend on that. */
  readonly userName?: string;
  /** Columns of the terminal that the log is shown on. */
  readonly terminalColumns?: number;
  /** The locale for messages. */
  readonly locale?: string;
}

const optionChecks = {
  keepFailed: argument.flag,
  keepGoing: argument.flag,
  fallback: argument.flag,
  verbosity: argument.count,
  rounds: argument.count,
  maxBuildJobs: argument.count,
  timeout: argument.count,
  maxSilentTime: argument.count,
  buildCores: argument.count,
  offload: argument.flag,
  buildVerbosity: argument.count,
  logType: argument.count,
  printBuildTrace: argument.flag,
  printExtendedBuildTrace: argument.flag,
  multiplexedBuildOutput: argument.flag,
  useSubstitutes: argument.flag,
  substituteUrls: listOf<string>(
    "a list of URLs without spaces",
    check("", (url) => fields.text.matches(url) && !/\s/.test(url)).matches,
  ),
  userName: argument.text,
  terminalColumns: argument.count,
  locale: argument.text,
} as const;

/** Says how this connection's builds are to be done from now on. */
export async function setBuildOptions(store: StoreConnection, options: BuildOptions = {}): Promise<void> {
  const name = "setBuildOptions";
  const checked = checkFields({ what: name }, options, optionChecks);
  await perform(store, {
    name,
    operation: 19,
    encode: (encoder, versions) => encodeOptions(encoder, versions, checked),
    decode: nothing,
  });
}

/** Guix's daemons have what Nix's have as numbers among the pairs. */
const firstWithoutNumbers = 0x61;

function encodeOptions(encoder: Encoder, { minor }: Versions, options: BuildOptions): void {
  const { keepFailed = false, keepGoing = false, fallback = false, verbosity = 0 } = options;
  encoder.flag(keepFailed).flag(keepGoing).flag(fallback).int(verbosity);
  if (minor < firstWithoutNumbers) encoder.int(options.maxBuildJobs ?? 1).int(options.maxSilentTime ?? 0);
  if (minor >= 2) encoder.flag(options.offload ?? true);
  if (minor >= 4)
    encoder
      .int(options.buildVerbosity ?? 0)
      .int(options.logType ?? 0)
      .flag(options.printBuildTrace ?? true);
  if (minor >= 6 && minor < firstWithoutNumbers) encoder.int(options.buildCores ?? 1);
  if (minor >= 10) encoder.flag(options.useSubstitutes ?? true);
  if (minor >= 12) encoder.pairs(pairsOf(options));
}

function pairsOf(options: BuildOptions): readonly (readonly [string, string])[] {
  const { printBuildTrace = true, printExtendedBuildTrace: extended, substituteUrls, rounds } = options;
  const values: readonly (readonly [string, string | number | boolean | undefined])[] = [
    ["print-extended-build-trace", !printBuildTrace || extended === undefined ? undefined : Number(extended)],
    ["multiplexed-build-output", options.multiplexedBuildOutput],
    ["build-timeout", options.timeout],
    ["build-max-silent-time", options.maxSilentTime],
    ["build-max-jobs", options.maxBuildJobs],
    ["build-cores", options.buildCores],
    ["substitute-urls", substituteUrls?.join(" ")],
    ["build-repeat", rounds === undefined ? undefined : Math.max(0, rounds - 1)],
    ["user-name", options.userName],
    ["terminal-columns", options.terminalColumns],
    ["locale", options.locale],
  ];
  return values.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as const]));
}
