// User code and the daemon's death at moments that only the real thing has.

import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

it("the exit code of the container survives the daemon that learned it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["main"], { start: ${shell("until [ -e {directory}/go ]; do sleep 0.01; done; exit 7")} })`,
        `service(["slow"], { start: ${shell("trap '' TERM; while :; do sleep 0.1; done")},
           stop: makeKillDestructor({ gracePeriod: 3 }) })`,
      ],
      "",
      'exitWith: "main"',
    ),
  });
  await system.untilStatus("main", "running");
  await system.untilStatus("slow", "running");
  writeFileSync(system.path("go"), "");
  await system.waitForLog(/Exiting shepherd/);
  await system.killDaemon();
  assert.deepEqual(await system.waitForEnd(), { code: 7, signal: null });
});

it("a rejected promise that user code left to itself does not end the daemon", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { actions: [shepherdAction({ name: "forget",
         procedure: () => { Promise.reject(new Error("left to itself")); } })] })`,
    ]),
  });
  await system.untilStatus("web", "running");
  const daemon = system.daemon();
  await system.ok("forget", "web");
  await system.waitForLog(/nobody handled it: Error: left to itself/);
  assert.equal(system.daemon(), daemon);
});

it("what an evaluated expression prints goes to who asked", async (t) => {
  const system = await bootSystem(t, { config: configuration([]) });
  assert.match(await system.ok("eval", "root", 'console.log("seen by", "me")'), /^seen by me$/m);
});

it("services that come and go leave no descriptor in the keeper, and their next ones have a log", async (t) => {
  const system = await bootSystem(t, { config: configuration([]) });
  const held = (): number => readdirSync(`/proc/${system.keeper()}/fd`).length;
  const before = held();
  const names = ["one", "two", "three"];
  writeFileSync(system.path("more.ts"), configuration(names.map((name) => sleeper(name))));
  writeFileSync(
    system.path("again.ts"),
    configuration([`service(["one"], { start: ${shell("echo it speaks; exec sleep 1000000")} })`]),
  );
  await system.ok("load", "root", system.path("more.ts"));
  assert.equal(held(), before + names.length);
  for (const name of names) await system.ok("unload", "root", name);
  await system.ok("load", "root", system.path("again.ts"));
  await system.waitForLog(/it speaks/);
  await system.waitFor("the other pipes are closed", () => held() === before + 1);
});
