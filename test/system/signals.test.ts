// Signals to PID 1, and the exit codes that users choose.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

describe("signals", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    for (const init of [true, false]) {
      it(`${signal} ${init ? "to PID 1" : "outside PID 1"} stops every service and ends with code 0`, async (t) => {
        const system = await bootSystem(t, {
          config: configuration([
            'service(["tidy"], { start: () => true, stop: makeSystemDestructor("echo stopped >{directory}/stopped") })',
            sleeper("web"),
          ]),
          init,
        });
        await system.untilStatus("web", "running");
        system.signal(signal);
        assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null });
        assert.equal(system.read("stopped"), "stopped\n");
        assert.match(system.log(), /Exiting\.\n$/);
      });
    }
  }

  it("a second TERM does no harm", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["tidy"], { start: () => true, stop: makeSystemDestructor("until [ -e {directory}/go ]; do sleep 0.01; done; echo stopped >{directory}/stopped") })',
      ]),
    });
    await system.untilStatus("tidy", "running");
    system.signal("SIGTERM");
    await system.untilStatus("tidy", "stopping");
    system.signal("SIGTERM");
    await system.herd("status");
    writeFileSync(system.path("go"), "");
    assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null });
    assert.equal(system.read("stopped"), "stopped\n");
  });

  it("USR1 opens no debugger and ends nothing", async (t) => {
    const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
    await system.untilStatus("web", "running");
    const daemon = await system.waitFor("a daemon lives", () => system.daemon());
    process.kill(daemon, "SIGUSR1");
    system.signal("SIGUSR1");
    assert.equal((await system.service("web")).status, "running");
    assert.equal(system.daemon(), daemon);
    assert.doesNotMatch(system.log() + system.stderr, /Debugger listening/);
  });
});

describe("the service whose end is the end", () => {
  const endings: readonly (readonly [string, number])[] = [
    ["exit 0", 0],
    ["exit 7", 7],
    ["kill -TERM $$", 128 + 15],
    ["kill -KILL $$", 128 + 9],
  ];
  for (const [ending, code] of endings) {
    it(`exitWith: "${ending}" makes the exit code ${code}`, async (t) => {
      const script = `until [ -e {directory}/go ]; do sleep 0.01; done; ${ending}`;
      const system = await bootSystem(t, {
        config: configuration(
          [`service(["main"], { start: ${shell(script)} })`, sleeper("helper")],
          "",
          'exitWith: "main"',
        ),
      });
      await system.untilStatus("main", "running");
      await system.untilStatus("helper", "running");
      writeFileSync(system.path("go"), "");
      assert.deepEqual(await system.waitForEnd(), { code, signal: null });
      assert.match(system.log(), /Service helper .*stopped\./);
    });

    it(`shepherd -- sh -c "${ending}" exits with ${code}`, async (t) => {
      const script = `until [ -e {directory}/go ]; do sleep 0.01; done; ${ending}`;
      const system = await bootSystem(t, {
        config: configuration([]),
        command: ["/bin/sh", "-c", script],
      });
      writeFileSync(system.path("go"), "");
      assert.deepEqual(await system.waitForEnd(), { code, signal: null });
    });
  }

  it("a program that cannot be executed after -- ends the system with an error code and says why", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([]),
      command: ["/nonexistent/program"],
      ready: "started",
    });
    const { code } = await system.waitForEnd();
    assert.notEqual(code, 0);
    assert.match(system.log() + system.stderr, /exec \/nonexistent\/program: No such file or directory/);
  });
});
