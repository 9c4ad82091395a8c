// Prints expressions with their next occurrence, and what systemd and croner say of it, as a Markdown table:
//
//   node build/test/daemon/timers/calendar/table.js [BASE [TIME-ZONE]]

import { nextOccurrence } from "../../../../src/daemon/timers/calendar/occurrences.js";
import { rows } from "./expressions.js";
import { cronerOccurrences, noSystemd, systemdOccurrences } from "./oracles.js";

const [baseText = "2026-11-21T12:00:00Z", timeZone = "Europe/Paris"] = process.argv.slice(2);
const base = Date.parse(baseText);

const show = (time: number | undefined) =>
  time === undefined ? "never" : new Date(time).toISOString().replace(".000", "");
const verdict = (theirs: string | undefined, ours: string) =>
  theirs === undefined ? "–" : theirs === ours ? "same" : `**${theirs}**`;

function systemdAnswers(): ReadonlyMap<string, string> {
  if (noSystemd !== false) return new Map();
  const asked = rows.flatMap(({ systemd }) => systemd ?? []);
  const answers = systemdOccurrences(asked, base, timeZone, 1);
  return new Map(asked.map((expression, index) => [expression, show(answers[index]?.[0])]));
}

const systemd = systemdAnswers();
console.log(`After ${baseText} in ${timeZone}; occurrences in UTC.\n`);
console.log("| builder | expression | next occurrence | systemd | croner |\n|---|---|---|---|---|");
for (const row of rows) {
  const ours = show(nextOccurrence(row.event(timeZone), base));
  const theirs = row.systemd === undefined ? undefined : systemd.get(row.systemd);
  const croner =
    row.croner === undefined ? undefined : show(cronerOccurrences(row.croner, base, timeZone, 1)[0]);
  const cells = [row.builder, `\`${row.text}\``, ours, verdict(theirs, ours), verdict(croner, ours)];
  console.log(`| ${cells.join(" | ")} |`);
}
