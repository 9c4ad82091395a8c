// The command line of the bench.

import { parseArgs } from "node:util";
import type { BenchOptions } from "./experiments/experiment.js";

export const usage = `npm run bench -- [OPTION…]          us and every rival that this machine has, side by side
npm run bench -- recovery|store|upgrade…  what concerns us alone

  --only EXPERIMENT,…   only these
  --peers NAME,…        only these, of us, the limits and the rivals
  --n NUMBER,…          numbers of services; default 1,100,1000
  --rounds NUMBER       default 3
  --idle SECONDS        how long to look at an idle supervisor; default 20
  --quick               one round, --n 1,100, --idle 5, unless told otherwise, and no slow rivals
  --json FILE           write every figure there
`;

export type BenchCommand =
  | { readonly kind: "compare"; readonly options: BenchOptions }
  | { readonly kind: "own"; readonly names: readonly string[] }
  | { readonly kind: "help" };

export class UsageError extends Error {}

/** Parses the arguments after the program's name. Throws UsageError, and what `parseArgs` throws. */
export function parseCommandLine(args: readonly string[]): BenchCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string" },
      peers: { type: "string" },
      n: { type: "string" },
      rounds: { type: "string" },
      idle: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) return { kind: "help" };
  if (positionals.length > 0) return { kind: "own", names: positionals };
  const { quick } = values;
  return {
    kind: "compare",
    options: {
      sizes: words(values.n ?? (quick ? "1,100" : "1,100,1000")).map((word) => positive("--n", word)),
      rounds: positive("--rounds", values.rounds ?? (quick ? "1" : "3")),
      idle: positive("--idle", values.idle ?? (quick ? "5" : "20")),
      quick,
      ...(values.only === undefined ? {} : { only: words(values.only) }),
      ...(values.peers === undefined ? {} : { peers: words(values.peers) }),
      ...(values.json === undefined ? {} : { json: values.json }),
    },
  };
}

const words = (list: string): readonly string[] => list.split(",").filter((word) => word !== "");

function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`${option}: expected a number from 1 on, got '${text}'`);
  return Number(text);
}

/** Throws where one of `names` is not among `known`. */
export function checkNames(option: string, names: readonly string[], known: readonly string[]): void {
  const stray = names.find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new UsageError(`${option}: there is no '${stray}'; there are: ${known.join(", ")}`);
}
