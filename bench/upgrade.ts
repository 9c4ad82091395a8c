// `herd restart root` over 100 services: from the request to the answer of the program that was on disk.

import assert from "node:assert/strict";
import type { Scope } from "../test/support/harness.js";
import { bootSleepers, median, ms, processesOf, untilAnswered } from "./measure.js";

const rounds = 5;
const count = 100;

export async function upgrade(scope: Scope): Promise<void> {
  const system = await bootSleepers(scope, count);
  const before = processesOf(system);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const old = system.daemon();
    const begin = performance.now();
    await system.ok("restart", "root");
    await system.waitFor("the old program is gone", () => system.daemon() !== old);
    await untilAnswered(system, count);
    times.push(performance.now() - begin);
  }
  assert.deepEqual(processesOf(system), before);
  process.stdout.write(
    `${count} services: from 'herd restart root' to the next answer: median ${ms(median(times))}; none restarted\n`,
  );
}
