// What others say of an expression's next occurrences: `systemd-analyze calendar`, and croner.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Cron } from "croner";

/** Why systemd cannot be asked; false if it can. */
export const noSystemd: string | false =
  spawnSync("systemd-analyze", ["--version"]).status !== 0 && "there is no systemd-analyze";

/** The next `count` occurrences of each expression after `base`, in milliseconds since the epoch. */
export function systemdOccurrences(
  expressions: readonly string[],
  base: number,
  timeZone: string,
  count: number,
): number[][] {
  const options = [`--iterations=${count}`, `--base-time=@${base / 1000}`, "--"];
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["calendar", ...options, ...expressions], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, TZ: timeZone, LC_ALL: "C" },
  });
  assert.equal(status, 0, stderr);
  const answers = stdout.split(/^(?=.*Normalized form: )/m).slice(1);
  assert.equal(answers.length, expressions.length, stdout);
  return answers.map((answer) => {
    // In UTC as they are, or on a line of their own.
    const times = answer.matchAll(/^ *(?:Next elapse|Iter\. #\d+|\(in UTC\)): \w{3} (\S+) (\S+) UTC$/gm);
    return Array.from(times, ([, date, time]) => Date.parse(`${date}T${time}Z`));
  });
}

export function cronerOccurrences(
  expression: string,
  base: number,
  timeZone: string,
  count: number,
): number[] {
  return new Cron(expression, { timezone: timeZone, domAndDow: false })
    .nextRuns(count, new Date(base))
    .map((date) => date.getTime());
}
