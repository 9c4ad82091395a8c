// Where GNU Shepherd falls short and we do not: one test for each point of that list.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { configuration, module, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

describe("gaps of GNU Shepherd that are closed here", () => {
  it("1. a dependency cycle is an error that prints its path, and changes nothing", async (t) => {
    const cycle = ["a", "b", "c"].map((name, index) => sleeper(name, `requirement: ["${"bca"[index]}"]`));
    const system = await bootSystem(t, {
      config: configuration([sleeper("steady")]),
      files: { "cycle.ts": configuration(cycle) },
    });
    const pid = await system.untilProcess("steady");
    const { status, stderr } = await system.herd("load", "root", system.path("cycle.ts"));
    assert.equal(status, 1);
    assert.match(stderr, /a -> b -> c -> a/);
    assert.equal(await system.untilProcess("steady"), pid);
    const unknown = await system.herd("status", "a");
    assert.match(unknown.stderr, /service 'a' could not be found/);
  });

  it("1. an unknown requirement two levels down is an error that prints the path", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([sleeper("steady")]),
      files: {
        "broken.ts": configuration([
          sleeper("top", 'requirement: ["middle"]'),
          sleeper("middle", 'requirement: ["missing"]'),
        ]),
      },
    });
    const { status, stderr } = await system.herd("load", "root", system.path("broken.ts"));
    assert.equal(status, 1);
    assert.match(stderr, /top -> middle -> missing|middle -> missing/);
    assert.equal((await system.herd("status", "steady")).status, 0);
  });

  it("2. a program that cannot be executed is a failed start, with stage, path and reason", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["absent"], { autoStart: false, start: makeForkexecConstructor(["/nonexistent/program"]) })',
      ]),
    });
    const { status, stdout, stderr } = await system.herd("start", "absent");
    assert.equal(status, 1);
    assert.match(stdout + stderr, /exec \/nonexistent\/program: No such file or directory/);
    assert.match(stdout, /^Service absent could not be started\.$/m);
    assert.match(stderr, /^herd: error: failed to start service absent$/m);
    assert.equal((await system.service("absent")).status, "stopped");
  });

  it("3. a start that never settles blocks nobody and can be stopped", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["stuck"], { autoStart: false, start: () => new Promise(() => {}) })',
        sleeper("other"),
      ]),
    });
    const starting = system.herd("start", "stuck");
    await system.untilStatus("stuck", "starting");
    await system.ok("restart", "other");
    await system.ok("stop", "stuck");
    assert.equal((await starting).status, 1);
    assert.equal((await system.service("stuck")).status, "stopped");
  });

  it("3. a loop in user code is named in the log, and the system goes on", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["spinner"], { autoStart: false, start: () => { for (;;); } })',
        sleeper("steady"),
      ]),
      keeperOptions: ["--silence=1"],
    });
    const pid = await system.untilProcess("steady");
    const daemon = system.daemon();
    const starting = system.herd("start", "spinner");
    await system.waitForLog(/Starting service spinner/);
    // Somebody must be waiting for an answer: that is what makes a daemon silent.
    const asking = system.herd("status", "steady");
    await system.waitFor("another daemon lives", () => {
      const now = system.daemon();
      return now !== undefined && now !== daemon;
    });
    assert.equal((await starting).status, 1);
    await asking;
    await system.waitFor("the culprit is named", () =>
      /start of service spinner/.test(system.log() + system.stderr),
    );
    assert.equal((await system.untilStatus("steady", "running")).pid, pid);
  });

  it("4. a stop method that never settles does not keep the system from ending", async (t) => {
    const system = await bootSystem(t, {
      config: configuration(
        ['service(["stuck"], { start: () => true, stop: () => new Promise(() => {}) })', sleeper("other")],
        "",
        "shutdownTimeout: 1",
      ),
    });
    await system.untilStatus("stuck", "running");
    assert.deepEqual(await system.stop(), { code: 0, signal: null });
    assert.match(system.log(), /other.*stopped/);
  });

  it("5. the log's tail is complete", async (t) => {
    const system = await bootSystem(t, { config: configuration([sleeper("one"), sleeper("two")]) });
    await system.untilStatus("two", "running");
    await system.stop();
    const lines = system.log().trimEnd().split("\n");
    assert.match(lines.at(-1) ?? "", /Exiting\.$/);
    for (const name of ["one", "two"]) assert.match(system.log(), new RegExp(`Service ${name} .*stopped\\.`));
  });

  it("6. user without group takes the user's own groups and none of root's", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        `service(["who"], { start: ${shell("id -u; id -g; id -G; exec sleep 1000000", '{ user: "www-data", logFile: "{directory}/who.log" }')} })`,
      ]),
    });
    const text = await system.waitForFile("who.log", /(.*\n){3}/);
    const seen = text.split("\n").map((line) => line.replace(/^\S+ \S+ /, ""));
    const expected = ["-u", "-g", "-G"].map((option) =>
      execFileSync("id", [option, "www-data"], { encoding: "utf8" }).trim(),
    );
    assert.deepEqual(seen.slice(0, 3), expected);
  });

  it("7. a service that ends by itself with status 0 is stopped and not disabled", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([`service(["brief"], { start: ${shell("exit 0")} })`]),
    });
    const { enabled } = await system.until("brief", "has ended", ({ exits }) => exits.length > 0);
    assert.equal(enabled, true);
    assert.equal((await system.herd("start", "brief")).status, 0);
  });

  it("8. restart of a service that cannot come up exits 1", async (t) => {
    const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
    await system.untilStatus("web", "running");
    await system.ok("disable", "web");
    const { status, stdout } = await system.herd("restart", "web");
    assert.equal(status, 1);
    assert.match(stdout, /Service web is currently disabled\./);
    assert.equal((await system.service("web")).status, "stopped");
  });

  it("9. a grandchild in a session of its own does not survive a stop", async (t) => {
    const script = "setsid sh -c 'echo $$ >{directory}/escaped; exec sleep 1000000' & exec sleep 1000000";
    const system = await bootSystem(t, {
      config: configuration([`service(["escape"], { start: ${shell(script)}, stop: makeKillDestructor() })`]),
    });
    const escaped = Number(await system.waitForFile("escaped"));
    assert.equal(system.isAlive(escaped), true);
    await system.ok("stop", "escape");
    assert.equal(system.isAlive(escaped), false);
  });

  it("9. nor does one whose parent is gone and whose session is new", async (t) => {
    const script = "(setsid sh -c 'echo $$ >{directory}/escaped; exec sleep 1000000' &) ; exec sleep 1000000";
    const system = await bootSystem(t, {
      config: configuration([`service(["escape"], { start: ${shell(script)}, stop: makeKillDestructor() })`]),
    });
    const escaped = Number(await system.waitForFile("escaped"));
    await system.ok("stop", "escape");
    assert.equal(system.isAlive(escaped), false);
  });

  it("10. messages go to the client that asked, each time", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([sleeper("web", "autoStart: false"), sleeper("db", "autoStart: false")]),
    });
    // GNU Shepherd would make this client the one that gets all later messages.
    await system.ok("status", "web");
    const first = await system.ok("start", "web");
    assert.match(first, /Service web has been started\./);
    await system.ok("stop", "web");
    const [second, other] = await Promise.all([system.ok("start", "web"), system.ok("start", "db")]);
    assert.equal(second, first);
    assert.match(other, /Service db has been started\./);
    assert.doesNotMatch(other, /web/);
  });

  for (const action of ["halt", "power-off", "reboot", "kexec"]) {
    it(`11. ${action} outside PID 1 is refused, since the machine is not ours`, async (t) => {
      const system = await bootSystem(t, { config: configuration([sleeper("web")]), init: false });
      const pid = await system.untilProcess("web");
      const { status, stderr } = await system.herd(action, "root");
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`cannot ${action}: .*not PID 1`));
      assert.equal((await system.service("web")).pid, pid);
      // A reboot(2) from inside a PID namespace would end its PID 1 by a signal.
      assert.deepEqual(await system.stop(), { code: 0, signal: null });
    });
  }

  it("11. as PID 1 of a container, halt is an exit and not a reboot", async (t) => {
    const system = await bootSystem(t, { config: configuration([]) });
    const [{ status }, end] = await Promise.all([system.herd("halt", "root"), system.waitForEnd()]);
    assert.equal(status, 0);
    assert.deepEqual(end, { code: 0, signal: null });
  });

  it("12. every error about a file names it", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        `service(["no-directory"], { autoStart: false, start: makeForkexecConstructor(["true"], { directory: "/nonexistent/place" }) })`,
        `service(["no-log"], { autoStart: false, start: makeForkexecConstructor(["true"], { logFile: "/proc/nonexistent/log" }) })`,
        `service(["no-pid"], { autoStart: false, start: makeForkexecConstructor(["sleep", "1000000"], { pidFile: "{directory}/absent.pid", pidFileTimeout: 0.2 }) })`,
      ]),
      files: { "broken.ts": module("export default defineConfig({ services: [ }") },
    });
    const failures: readonly (readonly [readonly string[], RegExp])[] = [
      [["start", "no-directory"], /chdir \/nonexistent\/place: No such file or directory/],
      [["start", "no-log"], /\/proc\/nonexistent/],
      [["start", "no-pid"], /PID file '\S+\/absent\.pid' did not show up/],
      [["load", "root", "/nonexistent/config.ts"], /\/nonexistent\/config\.ts/],
      [["load", "root", "/etc"], /cannot read \/etc: not a regular file/],
      [["load", "root", system.path("broken.ts")], /broken\.ts:\d+:\d+/],
    ];
    for (const [command, expected] of failures) {
      const { status, stdout, stderr } = await system.herd(...command);
      assert.equal(status, 1, command.join(" "));
      assert.match(stdout + stderr, expected);
    }
  });
});
