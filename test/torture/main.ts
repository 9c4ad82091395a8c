// npm run torture -- [--seed S] [--kills N] [--points TEXT] [--fault NAME] [--subreaper] [--until-violation]: kills the
// daemon again and again under a random load, and checks that nothing is lost. With --sweep START it is killed at each
// system call of one operation in turn. Exit status 1 if something was lost.

import { parseArgs } from "node:util";
import { type FaultName, faultNames } from "./faults.js";
import { summary, torture } from "./torture.js";

function number(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`option --${name}: expected a number, got "${text}"`);
  return Number(text);
}

function oneOf<T extends string>(name: string, choices: readonly T[], text: string): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw new Error(`option --${name}: expected one of ${choices.join(", ")}, got "${text}"`);
  return found;
}

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    kills: { type: "string", default: "100" },
    points: { type: "string" },
    fault: { type: "string" },
    subreaper: { type: "boolean", default: false },
    "until-violation": { type: "boolean", default: false },
  },
});
const seed = number("seed", values.seed);
const fault: FaultName | undefined =
  values.fault === undefined ? undefined : oneOf("fault", faultNames, values.fault);
const tally = await torture({
  seed,
  kills: number("kills", values.kills),
  subreaper: values.subreaper,
  untilViolation: values["until-violation"],
  print: (text) => process.stdout.write(`${text}\n`),
  ...(values.points === undefined ? {} : { points: values.points }),
  ...(fault === undefined ? {} : { fault }),
});
process.stdout.write(`${summary(seed, tally)}\n`);
if (tally.violations > 0) process.exitCode = 1;
