// Mistakes in the dependency graph of a first configuration: text and a quick answer, never a hang.

import assert from "node:assert/strict";
import { it } from "node:test";
import { configuration, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "a cycle",
    [
      sleeper("a", 'requirement: ["b"]'),
      sleeper("b", 'requirement: ["c"]'),
      sleeper("c", 'requirement: ["a"]'),
      sleeper("innocent"),
    ],
    /a -> b -> c -> a/,
  ],
  ["a service that requires itself", [sleeper("a", 'requirement: ["a"]')], /a -> a/],
  [
    "an unknown requirement two levels down",
    [sleeper("top", 'requirement: ["middle"]'), sleeper("middle", 'requirement: ["missing"]')],
    /"missing".*(top -> )?middle -> missing/,
  ],
  ["one name provided twice", [sleeper("a"), sleeper("a")], /"a".*twice/],
];

for (const [what, services, expected] of mistakes) {
  it(`${what} is reported with its path, and root is still controllable`, async (t) => {
    const system = await bootSystem(t, { config: configuration(services) });
    await system.waitForLog(expected);
    assert.equal(await system.ok("status"), "Started:\n + root\n");
  });
}

it("a chain of 2,000 requirements starts and stops", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `...Array.from({ length: 2000 }, (_, index) =>
         service(["s" + index], { autoStart: false, requirement: index === 0 ? [] : ["s" + (index - 1)] }))`,
    ]),
  });
  await system.ok("start", "s1999");
  assert.equal((await system.service("s0")).status, "running");
  await system.ok("stop", "s0");
  assert.equal((await system.service("s1999")).status, "stopped");
});

it("a failed requirement is named for each that depends on it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["base"], { autoStart: false, start: () => false })',
      sleeper("middle", 'autoStart: false, requirement: ["base"]'),
      sleeper("top", 'autoStart: false, requirement: ["middle"]'),
    ]),
  });
  const { status, stdout, stderr } = await system.herd("start", "top");
  assert.equal(status, 1);
  assert.match(
    stdout,
    /Service base could not be started\.\n(.*\n)*Service middle depends on base\.\n(.*\n)*Service top depends on middle\./,
  );
  assert.match(stderr, /herd: error: failed to start service top/);
});
