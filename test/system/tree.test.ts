// `herd tree` over a whole system.

import assert from "node:assert/strict";
import { it } from "node:test";
import { findCgroups, inside, makeTestCgroup } from "../support/cgroups.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

it("shows what a service runs, whatever has left its session, and for all services whose each process is", async (t) => {
  const left = "(setsid /bin/sh -c 'sleep 1000003 & exec sleep 1000004' &)";
  const family = shell(
    `sleep 1000001 & ${left}; echo up >{directory}/up; exec sleep 1000002`,
    `{ secrets: ["000002"] }`,
  );
  const system = await bootSystem(t, {
    config: configuration([
      `service(["family", "clan"], { start: ${family}, stop: makeKillDestructor() })`,
      sleeper("other"),
    ]),
  });
  await system.waitForFile("up");
  const runs = (text: string): boolean => system.processes().some(({ command }) => command.includes(text));
  await system.waitFor("all run", () => ["1000001", "1000003", "1000004"].every(runs));
  const pid = await system.untilProcess("family");
  const shown = await system.ok("tree", "clan");
  assert.match(shown, /^family\n/);
  assert.match(shown, /^.{3}\d+ sleep 1\*\*\*/m);
  assert.match(shown, /^.{6}\d+ sleep 1000001$/m);
  // One that has left is nobody's child of the service any more.
  assert.match(shown, /^.{3}\d+ sleep 1000004\n.{6}\d+ sleep 1000003$/m);
  assert.doesNotMatch(shown, /1000000|1000002/);

  const [tree] = JSON.parse(await system.ok("--json", "tree", "family"));
  assert.equal(tree.service, "family");
  assert.equal(tree.processes[0].pid, pid);

  const all = await system.ok("tree");
  assert.match(
    all,
    /^family\n[\s\S]*^other\n.{3}\d+ \/bin\/sleep 1000000\n^root\n.{3}1 .*keeper[\s\S]*supervisor|shepherd\.cjs/m,
  );
  const pids = [...all.matchAll(/^\W*(\d+) /gm)].map(([, number]) => number);
  assert.equal(new Set(pids).size, pids.length);
  await system.ok("stop", "other");
  assert.equal(await system.ok("tree", "other"), "");
  assert.match((await system.herd("tree", "nobody")).stderr, /could not be found/);
});

const cgroups = findCgroups();

it("shows what nothing but its cgroup tells to be a service's", {
  skip: typeof cgroups === "string" ? cgroups : false,
}, async (t) => {
  if (typeof cgroups === "string") return;
  const start = shell("(env -i setsid sleep 1000005 &); echo up >{directory}/up; exec sleep 1000006");
  const system = await bootSystem(t, {
    config: configuration([`service(["cut"], { start: ${start}, stop: makeKillDestructor() })`]),
    through: inside(makeTestCgroup(t, cgroups.directory)),
  });
  await system.waitForFile("up");
  await system.waitFor("both run", () =>
    ["1000005", "1000006"].every((text) => system.processes().some(({ command }) => command.includes(text))),
  );
  const shown = await system.ok("tree", "cut");
  assert.match(shown, /^cut\n.{3}\d+ sleep 1000006\n.{3}\d+ sleep 1000005\n$/);
});
