// npm run torture -- [--seed S] [--kills N] [--until-violation]: kills the daemon again and again under a random load,
// and checks that nothing is lost. Exit status 1 if something was.

import { parseArgs } from "node:util";
import { suiteScope } from "../support/harness.js";
import { summary, torture } from "./torture.js";

function number(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`option --${name}: expected a number, got "${text}"`);
  return Number(text);
}

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    kills: { type: "string", default: "100" },
    "until-violation": { type: "boolean", default: false },
  },
});
const seed = number("seed", values.seed);
const scope = suiteScope();
try {
  const tally = await torture(scope, {
    seed,
    kills: number("kills", values.kills),
    untilViolation: values["until-violation"],
    print: (text) => process.stdout.write(`${text}\n`),
  });
  process.stdout.write(`${summary(seed, tally)}\n`);
  if (tally.violations > 0) process.exitCode = 1;
} finally {
  await scope.close();
}
