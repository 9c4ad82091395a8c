// npm run torture -- [--seed S] [--kills N] [--writer] [--points TEXT] [--fault NAME] [--subreaper] [--until-violation]
// npm run torture -- --sweep NAME [--service S] [--writer] [--subreaper]
//
// Kills the daemon, or only the log writer, again and again under a random load, and checks that nothing is lost; or
// does one operation again and again, and kills at each of its system calls in turn. Exit status 1 if something was lost.

import { parseArgs } from "node:util";
import { type FaultName, faultNames } from "./faults.js";
import { sweep, sweepNames } from "./sweep.js";
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
    sweep: { type: "string" },
    service: { type: "string" },
    writer: { type: "boolean", default: false },
    subreaper: { type: "boolean", default: false },
    "until-violation": { type: "boolean", default: false },
  },
});
const { subreaper } = values;
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
if (values.sweep === undefined) await tortureAsAsked();
else {
  const name = oneOf("sweep", sweepNames, values.sweep);
  const usual = { start: "plain", stop: "plain", respawn: "phoenix", flood: "plain", rotate: "plain" }[name];
  const violations = await sweep({
    name,
    service: values.service ?? usual,
    writer: values.writer,
    subreaper,
    print,
  });
  if (violations > 0) process.exitCode = 1;
}

async function tortureAsAsked(): Promise<void> {
  const seed = number("seed", values.seed);
  const fault: FaultName | undefined =
    values.fault === undefined ? undefined : oneOf("fault", faultNames, values.fault);
  const tally = await torture({
    seed,
    kills: number("kills", values.kills),
    subreaper,
    writerOnly: values.writer,
    untilViolation: values["until-violation"],
    print,
    ...(values.points === undefined ? {} : { points: values.points }),
    ...(fault === undefined ? {} : { fault }),
  });
  print(summary(seed, tally, values.points));
  if (tally.violations > 0) process.exitCode = 1;
}
