// The programs halt, poweroff, reboot and shutdown, whose shepherd ends before it has answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fakeDaemon } from "../herd/fake-daemon.js";
import { run } from "../support/run.js";

const program = fileURLToPath(new URL("../../src/power/main.js", import.meta.url));

test("an end without an answer is what was asked for, unless it was to come later, or not at all", async (context) => {
  const fake = await fakeDaemon((socket) => socket.destroy());
  context.after(() => fake.close());
  const lines = {
    halt: 0,
    "shutdown now": 0,
    "shutdown -r +0": 0,
    "shutdown +5": 1,
    "shutdown -r 22:30": 1,
    "shutdown -c": 1,
  };
  const statuses = Object.keys(lines).map(async (line) => {
    const [name = "", ...args] = line.split(" ");
    const { status, stderr } = await run(process.execPath, [program, name, "-s", fake.path, ...args]);
    assert.match(stderr, status === 0 ? /^$/ : /error: premature end-of-file/);
    return [line, status] as const;
  });
  assert.deepEqual(Object.fromEntries(await Promise.all(statuses)), lines);
});
