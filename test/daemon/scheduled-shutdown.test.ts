// A shutdown at a later time comes once, whenever the daemon dies, unless it is cancelled.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import { parseShutdownTime, ShutdownSchedule } from "../../src/daemon/scheduled-shutdown.js";
import { deaths } from "../support/crashes.js";
import type { FakeKeeper } from "../support/fake-keeper.js";
import { client, emptySystem, fakeKeeper, settle } from "../support/system.js";

/** A daemon's schedule, and what it has begun. */
function boot(keeper: FakeKeeper) {
  const begun: string[] = [];
  const { system } = emptySystem(keeper);
  const { outbox, deadlines, notes } = system;
  const begin = (how: string): void => {
    begun.push(how);
    notes.putShutdown({ how: "reboot", code: 0, deadline: 0 });
  };
  const schedule = new ShutdownSchedule({ outbox, deadlines, notes, log: () => undefined, begin });
  schedule.resume();
  system.resume();
  return { schedule, begun, notes };
}

const inFiveMinutes = { at: Date.now() / 1000 + 300, ofDay: false };
const tonight = { at: Math.round(Date.now() / 1000) + 3600, ofDay: true };

describe("a scheduled shutdown", () => {
  it("is known to the next daemon, with the same timer", async () => {
    const keeper = fakeKeeper();
    boot(keeper).schedule.set("reboot", inFiveMinutes, "why", client());
    await settle();
    const next = boot(keeper.successor());
    assert.deepEqual({ ...next.schedule.scheduled, at: 0 }, { how: "reboot", at: 0, message: "why" });
    assert.equal(next.schedule.cancel(), true);
    assert.equal(next.schedule.cancel(), false);
    await settle();
    assert.equal(boot(keeper.successor()).schedule.scheduled, undefined);
    assert.equal(keeper.timers.size, 0);
  });

  it("comes once, whenever the daemon dies", async () => {
    const keeper = fakeKeeper();
    const first = boot(keeper);
    first.schedule.set("reboot", inFiveMinutes, "", client());
    await settle();
    const from = keeper.instants.length;
    keeper.fire("shutdown");
    await settle();
    assert.deepEqual(first.begun, ["reboot"]);
    assert.equal(first.schedule.scheduled, undefined);
    for (const { left, after } of deaths(keeper, from)) {
      const next = boot(left);
      await settle();
      // Either this one is told of the timer, or the shutdown has begun already.
      const isNoted = next.notes.shutdown !== undefined;
      assert.deepEqual(next.begun, isNoted ? [] : ["reboot"], `killed after ${after}`);
      assert.deepEqual(left.unacknowledged, [], `killed after ${after}`);
      assert.equal(next.schedule.scheduled, undefined, `killed after ${after}`);
    }
  });

  it("comes in its time, not at once, where the keeper had no room for its timer", async () => {
    const keeper = fakeKeeper();
    keeper.refuse("arm-timer", constants.errno.ENOSPC);
    boot(keeper).schedule.set("reboot", inFiveMinutes, "", client());
    await settle();
    const left = keeper.successor();
    const next = boot(left);
    await settle();
    const seconds = Number((left.timers.get("shutdown")?.at ?? 0n) - process.hrtime.bigint()) / 1e9;
    assert.ok(seconds > 200 && seconds <= 301, `${seconds} s`);
    left.fire("shutdown");
    await settle();
    assert.deepEqual(next.begun, ["reboot"]);
  });

  it("is replaced by a later one, and comes then alone", async () => {
    const keeper = fakeKeeper();
    const { schedule, begun } = boot(keeper);
    schedule.set("reboot", inFiveMinutes, "", client());
    schedule.set("halt", tonight, "", client());
    await settle();
    const { clock, at } = keeper.timers.get("shutdown") ?? {};
    assert.deepEqual({ clock, at }, { clock: "realtime", at: BigInt(tonight.at) * 1_000_000_000n });
    keeper.fire("shutdown");
    await settle();
    assert.deepEqual(begun, ["halt"]);
  });
});

describe("the time of a shutdown", () => {
  const now = new Date(2026, 10, 21, 12, 0, 0).getTime() / 1000;
  const times: readonly (readonly [text: string, seconds: number | undefined])[] = [
    ["now", 0],
    ["+0", 0],
    ["+5", 300],
    ["90", 5400],
    ["12:01", 60],
    ["12:00", 24 * 3600],
    ["0:30", 12.5 * 3600],
    ["23:59", 43_140],
    ["24:00", undefined],
    ["12:60", undefined],
    ["+", undefined],
    ["-5", undefined],
    ["+1.5", undefined],
    ["+999999", undefined],
    ["", undefined],
    ["soon", undefined],
  ];
  for (const [text, seconds] of times)
    it(`'${text}' at noon is in ${seconds} s`, () => {
      const expected = seconds === undefined ? undefined : { at: now + seconds, ofDay: text.includes(":") };
      assert.deepEqual(parseShutdownTime(text, now), expected);
    });
});
