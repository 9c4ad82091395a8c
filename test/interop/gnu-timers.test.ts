// GNU herd shows and triggers our timers, and schedules programs with us.

import assert from "node:assert/strict";
import { it } from "node:test";
import { findGnuShepherd } from "../support/gnu-shepherd.js";
import { bootSystem } from "../support/harness.js";
import { gnuHerd } from "./gnu-client.js";

const found = await findGnuShepherd();

const config = `
import { calendarEvent, command, defineConfig, makeTimerConstructor, service, timerService } from "shepherd-ts";

const nightly = calendarEvent({ hours: [4], minutes: [0] });
export default defineConfig({
  services: [
    service(["nightly"], { start: makeTimerConstructor(nightly, command(["sh", "-c", "exit 1"])) }),
    service(["thunk"], { start: makeTimerConstructor(nightly, () => { throw new Error("no luck"); }) }),
    timerService(),
  ],
});
`;

/** Without what changes from one second to the next. */
const steady = (text: string): string => text.replace(/\(\d+ \w+ ago\)|\(in \d+ \w+\)/g, "(…)").trimEnd();

it("GNU herd makes the same of a timer as ours", {
  skip: typeof found === "string" ? found : false,
}, async (t) => {
  if (typeof found === "string") throw new Error(found);
  const system = await bootSystem(t, { config });
  const gnu = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await gnuHerd(found, system, ...args);
    return stdout + stderr;
  };
  await system.untilStatus("thunk", "running");
  for (const name of ["nightly", "thunk"]) {
    assert.equal(await gnu("trigger", name), "Triggering timer.\n");
    await system.until(name, "has a past run", ({ text }) => /\(past-runs \(\(/.test(text));
    const shown = await gnu("status", name);
    assert.match(shown, /Recent runs:\n .*(exited with code 1|Exception thrown after .*: no luck)/);
    assert.match(shown, /Upcoming timer alarms:\n(.*04:00:00.*\n){5}/);
    assert.equal(steady(shown), steady(await system.ok("status", name)));
  }
  assert.match(
    await gnu("schedule", "timer", "at", "04:00", "-N", "later", "-E", "A=b", "--", "true"),
    /Service later has been started\./,
  );
  assert.match(await gnu("status"), /Running timers:\n \+ later\n \+ nightly\n \+ thunk\n/);
  assert.match(
    await gnu("graph"),
    /"later" \[shape = diamond, color = green, fontcolor = black, style = dashed\]/,
  );
});
