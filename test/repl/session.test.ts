// The program that is a client of the service `repl`, between a terminal and a fake daemon.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fakeDaemon, reply } from "../herd/fake-daemon.js";

const program = fileURLToPath(new URL("../../src/repl/main.js", import.meta.url));
const inputs = 40;
const answer = "x".repeat(60_000);

test("a client that reads slowly gets every answer, and is waited for", async (context) => {
  const fake = await fakeDaemon(reply(`(("value" "${answer}" #t))`));
  context.after(() => fake.close());
  const child = spawn(process.execPath, [program, fake.path], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  child.stdin.end("1\n".repeat(inputs));
  let read = 0;
  for await (const chunk of child.stdout) {
    read += chunk.length;
    // What nobody has read is with the kernel, and little of it with the program.
    assert.ok(fake.commands.length * answer.length < read + 1_500_000);
    await delay(5);
  }
  assert.equal(fake.commands.length, inputs);
  assert.ok(read > inputs * answer.length, `${read} bytes`);
  assert.deepEqual(await ended, [0, null]);
});
