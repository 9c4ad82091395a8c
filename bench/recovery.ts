// From `kill -9` of the daemon to the answer of the next one, with every service in it.

import assert from "node:assert/strict";
import { suiteScope } from "../test/support/harness.js";
import { bootSleepers, median, ms, processesOf, untilAnswered } from "./measure.js";

const rounds = 7;

export async function recovery(): Promise<void> {
  for (const count of [0, 100, 1000]) {
    const scope = suiteScope();
    const system = await bootSleepers(scope, count);
    const before = processesOf(system);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const daemon = await system.waitFor("a daemon lives", () => system.daemon());
      process.kill(daemon, "SIGKILL");
      times.push(await untilAnswered(system, count));
      // A second death within the keeper's window of a second would be followed by a pause.
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    assert.deepEqual(processesOf(system), before);
    process.stdout.write(
      `${String(count).padStart(5)} services: median ${ms(median(times))}, from ${ms(Math.min(...times))} to ${ms(Math.max(...times))}; none restarted\n`,
    );
    await scope.close();
  }
}
