// The daemon that goes away while nothing happens: whatever happens then is dealt with as if it had stayed.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { configuration, module, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { gnuRequest } from "../support/wire.js";

const soon = ["--hibernate=0.2"];
const asleep = /Nothing to do: asleep/g;

/** Waits until the daemon has gone to sleep after `before` times. */
async function untilAsleep(system: System, before = 0): Promise<number> {
  return system.waitFor("the daemon sleeps", () => {
    const times = system.log().match(asleep)?.length ?? 0;
    return times > before && system.daemon() === undefined ? times : undefined;
  });
}

it("sleeps when nothing happens, and the end of a service wakes it, which is respawned", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0"), sleeper("other")]),
    args: soon,
  });
  const pid = await system.untilProcess("web");
  const times = await untilAsleep(system);
  system.kill(pid, "SIGKILL");
  await system.waitForLog(/Respawning web/);
  // It is not asked: that would wake it.
  assert.ok((await untilAsleep(system, times)) > times);
  assert.notEqual(await system.untilProcess("web"), pid);
  assert.doesNotMatch(system.log(), /started anew|The supervisor died/);
  assert.equal(system.log().match(/shepherd-ts \d/g)?.length, 1);
});

it("a client wakes it and is answered, and does not learn of it", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web")]), args: soon });
  const pid = await system.untilProcess("web");
  await untilAsleep(system);
  const { text } = await system.rawRequest(gnuRequest("status", "web"));
  assert.match(text, new RegExp(`\\(id ${pid}\\)`));
  await system.waitFor("it sleeps again", () => system.daemon() === undefined);
  assert.match(await system.ok("status"), /^Started:\n \+ root\n \+ web\n$/);
  await system.waitFor("it sleeps again", () => system.daemon() === undefined);
  await system.ok("stop", "web");
  assert.equal(system.isAlive(pid), false);
});

it("a timer wakes it", async (t) => {
  const system = await bootSystem(t, {
    config:
      module(`import { command, interval, makeTimerConstructor, makeTimerDestructor } from "shepherd-ts";
export default defineConfig({ services: [
  service(["tick"], {
    start: makeTimerConstructor(interval({ seconds: 1 }), command(["/bin/sh", "-c", "echo ran >> {directory}/runs"])),
    stop: makeTimerDestructor(),
  }),
] });`),
    args: ["--hibernate=0.1"],
  });
  await untilAsleep(system);
  const before = system.read("runs").length;
  await system.waitFor(
    "it has run while it was asleep in between",
    () => system.read("runs").length > before + 8,
  );
});

it("a connection to the socket of a service wakes it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["hello"], { start: makeInetdConstructor(["/bin/echo", "hello"], [endpoint("{directory}/hello")]) })`,
    ]),
    args: soon,
  });
  await untilAsleep(system);
  const text = await new Promise<string>((resolve, reject) => {
    let got = "";
    connect(system.path("hello"))
      .on("error", reject)
      .on("data", (chunk) => {
        got += chunk.toString();
      })
      .on("end", () => resolve(got));
  });
  assert.equal(text, "hello\n");
});

it("stays awake, and tells why, where something ticks inside of it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")], "setInterval(() => undefined, 1000);"),
    args: soon,
  });
  await system.waitForLog(
    /Does not hibernate: something is under way inside of the supervisor \(Timeout\)\./,
  );
  assert.match(await system.ok("status", "root"), /\n {2}Does not hibernate: something is under way/);
  assert.doesNotMatch(system.log(), asleep);
});

it("stays awake for services that need it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("web"),
      `service(["inside"], { start: () => ({ made: 1 }), resume: (value) => value })`,
    ]),
    args: soon,
  });
  await system.waitForLog(/Does not hibernate: service inside lives inside of the supervisor\./);
  await system.ok("stop", "inside");
  await untilAsleep(system);
});

it("no client and no end of a process is lost, whenever they come", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0, respawnLimit: false")]),
    args: ["--hibernate=0.05"],
  });
  let pid = await system.untilProcess("web");
  for (let round = 0; round < 40; round += 1) {
    // Around the instant at which it leaves.
    await delay(30 + ((round * 7) % 45));
    if (round % 4 === 3) {
      system.kill(pid, "SIGKILL");
      pid = await system.untilProcess("web", pid);
    } else {
      const { text } = await system.rawRequest(gnuRequest("status", "web"));
      assert.match(text, new RegExp(`\\(id ${pid}\\)`), `round ${round}`);
    }
  }
  assert.match(system.log(), asleep);
  assert.doesNotMatch(system.log(), /The supervisor died/);
});

it("may be killed as it wakes: what has woken it is dealt with by the next one", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0, respawnLimit: false")]),
    args: soon,
  });
  let pid = await system.untilProcess("web");
  let times = 0;
  for (let round = 0; round < 3; round += 1) {
    times = await untilAsleep(system, times);
    system.kill(pid, "SIGKILL");
    const daemon = await system.waitFor("it is woken", () => system.daemon());
    await delay(round * 30);
    process.kill(daemon, "SIGKILL");
    pid = await system.untilProcess("web", pid);
  }
});

it("the daemon that wakes is not compiled anew, unless what was kept of that is damaged", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web")]), args: soon });
  await untilAsleep(system);
  const directory = system.path("cache/shepherd-ts");
  const [name = "", ...more] = readdirSync(directory).filter((file) => file.endsWith(".code"));
  assert.deepEqual(more, []);
  const file = join(directory, name);
  const kept = { inode: statSync(file).ino, contents: readFileSync(file) };
  const wake = async (): Promise<void> => {
    await system.ok("status", "web");
    await system.waitFor("it sleeps again", () => system.daemon() === undefined);
  };
  await wake();
  assert.equal(statSync(file).ino, kept.inode);
  const middle = kept.contents.length >> 1;
  writeFileSync(file, kept.contents.fill(0xff, middle, middle + 1000));
  await wake();
  assert.notEqual(statSync(file).ino, kept.inode);
});
