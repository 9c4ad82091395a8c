// What the daemon knows of destinations that do not take their lines, also a daemon that was not there when it began.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { skip } from "../../native/keeper/bed.js";
import { waitFor } from "../../support/wait.js";
import { type Bench, withBench } from "./bench.js";

const full = "write /dev/full: No space left on device";

async function untilTrouble(bench: Bench, name: string | undefined, text: string | undefined): Promise<void> {
  await waitFor(
    `the trouble is ${text}`,
    () => bench.writer.trouble(name) === text,
    () => String(bench.writer.trouble(name)),
  );
}

describe("trouble", { skip, concurrency: 2 }, () => {
  it("is known with the count of lost lines, told of once, and over when the file is another", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: "/dev/full" } });
      await bench.open("calm", { file: { path: bench.path("calm.log") } });
      assert.equal(bench.writer.trouble("web"), undefined);
      await bench.write("web", "one\\n");
      await untilTrouble(bench, "web", `${full}; 1 line lost`);
      // One after the other: each is a batch of its own, and no message is sent for each.
      for (let line = 2; line <= 5; line++) await bench.write("web", `${line}\\n`);
      await untilTrouble(bench, "web", `${full}; 5 lines lost`);
      assert.deepEqual(bench.troubles, [full]);
      assert.equal(bench.writer.trouble("calm"), undefined);
      assert.equal(bench.writer.trouble(), undefined);
      await bench.open("web", { file: { path: bench.path("web.log") } });
      await bench.write("web", "here\\n");
      await bench.writer.drain();
      await untilTrouble(bench, "web", undefined);
      assert.deepEqual(bench.lines("web.log"), ["5 lines lost: No space left on device", "here"]);
    }));

  it("outlives the daemon, the writer, and both", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: "/dev/full" } });
      await bench.write("web", "one\\ntwo\\n");
      const text = `${full}; 2 lines lost`;
      await untilTrouble(bench, "web", text);
      const writer = await bench.pid();
      await bench.killDaemon();
      await untilTrouble(bench, "web", text);
      assert.equal(await bench.pid(), writer);
      await bench.signal("SIGKILL");
      await waitFor("there is another writer", async () => (await bench.pid()) !== writer);
      await bench.writer.drain();
      await untilTrouble(bench, "web", text);
      await bench.signal("SIGKILL");
      await bench.killDaemon();
      await untilTrouble(bench, "web", text);
    }));

  it("of the main sink is told of too", () =>
    withBench(async (bench) => {
      await bench.sink({ path: "/dev/full" });
      await bench.open("web");
      await bench.write("web", "one\\n");
      await untilTrouble(bench, undefined, `${full}; 1 line lost`);
      await bench.sink();
      await bench.write("web", "two\\n");
      await bench.writer.drain();
      assert.equal(bench.writer.trouble(), undefined);
      // Nobody has tried it since.
      await bench.sink({ path: "/dev/full" });
      await bench.writer.drain();
      assert.equal(bench.writer.trouble(), undefined);
    }));
});
