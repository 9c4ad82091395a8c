// The daemon may be killed at any instant: nothing is lost, and it comes back.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { gnuRequest } from "../support/wire.js";

it("services keep their processes, and herd is answered again", async (t) => {
  const names = ["one", "two", "three"];
  const system = await bootSystem(t, { config: configuration(names.map((name) => sleeper(name))) });
  const pids = await Promise.all(names.map((name) => system.untilProcess(name)));
  for (let round = 0; round < 3; round += 1) {
    await system.killDaemon();
    assert.deepEqual(await Promise.all(names.map((name) => system.untilProcess(name))), pids);
  }
  assert.match(await system.ok("status"), /^Started:\n \+ one\n \+ root\n \+ three\n \+ two\n$/);
});

it("a client that connects while there is no daemon is answered by the next one", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
  const pid = await system.untilProcess("web");
  const old = await system.waitFor("a daemon lives", () => system.daemon());
  process.kill(old, "SIGKILL");
  const { text } = await system.rawRequest(gnuRequest("status", "web"));
  assert.match(text, new RegExp(`\\(id ${pid}\\)`));
});

it("no line of a service's log is lost, torn or doubled", async (t) => {
  const script =
    "i=0; until [ -e {directory}/enough ]; do i=$((i + 1)); echo line $i; done; echo end $i; exec sleep 1000000";
  const system = await bootSystem(t, {
    config: configuration([
      `service(["counter"], { start: ${shell(script, '{ logFile: "{directory}/counter.log" }')} })`,
    ]),
  });
  for (let round = 0; round < 4; round += 1) {
    await system.waitFor(
      "it has counted on",
      () => (system.read("counter.log").match(/\n/g)?.length ?? 0) > round * 1000,
    );
    await system.killDaemon();
  }
  writeFileSync(system.path("enough"), "");
  const text = await system.waitForFile("counter.log", / end \d+\n/);
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\S+ \S+ /, ""));
  const count = lines.length - 1;
  assert.deepEqual(lines, [
    ...Array.from({ length: count }, (_, index) => `line ${index + 1}`),
    `end ${count}`,
  ]);
});

it("a process that ends while there is no daemon is known to the next one, with its status", async (t) => {
  const script = "until [ -e {directory}/go ]; do sleep 0.01; done; exit 7";
  const system = await bootSystem(t, {
    config: configuration([`service(["web"], { start: ${shell(script)} })`]),
  });
  await system.untilStatus("web", "running");
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  // A stopped daemon hears of nothing; killed then, it leaves the exit to the next one.
  process.kill(daemon, "SIGSTOP");
  writeFileSync(system.path("go"), "");
  await system.waitFor(
    "its process is gone",
    () => !system.processes().some(({ command }) => command[0] === "/bin/sh"),
  );
  process.kill(daemon, "SIGKILL");
  const { exits } = await system.until("web", "has ended", (service) => service.exits.length > 0);
  assert.deepEqual(exits, [7 << 8]);
});

it("a service that is respawned goes on being respawned", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0")]),
  });
  const pid = await system.untilProcess("web");
  await system.killDaemon();
  await system.untilStatus("web", "running");
  system.kill(pid, "SIGKILL");
  assert.notEqual(await system.untilProcess("web", pid), pid);
});

it("disabled services stay disabled, and stopped ones stopped", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("off"), sleeper("down")]) });
  await system.untilStatus("down", "running");
  await system.ok("disable", "off");
  await system.ok("stop", "down");
  await system.killDaemon();
  const off = await system.untilStatus("off", "running");
  assert.equal(off.enabled, false);
  assert.equal((await system.service("down")).status, "stopped");
});

it("a start function that it interrupts is not run again, and what it started is ended", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["half"], { autoStart: false, start: async () => {
           appendFileSync("{directory}/starts", "x\\n");
           await makeForkexecConstructor(["/bin/sleep", "424242"])();
           await new Promise(() => {});
           return true;
         } })`,
      ],
      'import { appendFileSync } from "node:fs";',
    ),
  });
  const starting = system.herd("start", "half");
  const spawned = (): boolean => system.processes().some(({ command }) => command[1] === "424242");
  await system.waitFor("it has spawned its process", spawned);
  await system.killDaemon();
  assert.equal((await starting).status, 1);
  await system.untilStatus("half", "stopped");
  await system.waitFor("its process is ended", () => !spawned());
  assert.equal(system.read("starts"), "x\n");
  assert.match(system.log(), /half.*interrupted/);
});

it("a stop that it interrupts is finished", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["stubborn"], { start: ${shell("trap '' TERM; exec sleep 1000000")}, stop: makeKillDestructor({ gracePeriod: 1 }) })`,
    ]),
  });
  const pid = await system.untilProcess("stubborn");
  await system.waitFor("it ignores TERM", () =>
    system.processes().some(({ command }) => command[0] === "sleep"),
  );
  const stopping = system.herd("stop", "stubborn");
  await system.untilStatus("stubborn", "stopping");
  await system.killDaemon();
  await stopping;
  await system.untilStatus("stubborn", "stopped");
  assert.equal(system.isAlive(pid), false);
});

it("a shutdown that it interrupts is finished, with the same exit code", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["stubborn"], { start: ${shell("trap '' TERM; exec sleep 1000000")}, stop: makeKillDestructor({ gracePeriod: 1 }) })`,
    ]),
  });
  await system.waitFor("it ignores TERM", () =>
    system.processes().some(({ command }) => command[0] === "sleep"),
  );
  const stopping = system.herd("stop", "root");
  await system.waitForLog(/Stopping service stubborn/);
  const daemon = system.daemon();
  if (daemon !== undefined) process.kill(daemon, "SIGKILL");
  assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null });
  await stopping;
});

it("a configuration that was changed meanwhile is not loaded by its death", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web", 'documentation: "Old."')]) });
  await system.untilStatus("web", "running");
  writeFileSync(system.config, configuration([sleeper("web", 'documentation: "New."'), sleeper("more")]));
  await system.killDaemon();
  await system.untilStatus("web", "running");
  assert.equal(await system.ok("doc", "web"), "Old.\n");
  assert.equal((await system.herd("status", "more")).status, 1);
});

it("herd restart root runs the supervisor anew over the same services", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
  const pid = await system.untilProcess("web");
  const old = system.daemon();
  await system.ok("restart", "root");
  await system.waitFor("another daemon lives", () => {
    const now = system.daemon();
    return now !== undefined && now !== old;
  });
  assert.equal(await system.untilProcess("web"), pid);
});

it("a daemon that dies again and again is started with growing delay, then in rescue mode; services stay", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    keeperOptions: ["--deaths=4"],
  });
  const pid = await system.untilProcess("web");
  const pauses: number[] = [];
  for (let death = 0; death < 5; death += 1) {
    const begin = Date.now();
    await system.killDaemon();
    pauses.push(Date.now() - begin);
  }
  // At once, then 100 ms, doubling. Only "not before" can be told of time.
  for (const [index, least] of [0, 100, 200, 400, 800].entries()) {
    assert.ok((pauses[index] ?? 0) >= least, `pauses of ${pauses.join(", ")} ms`);
  }
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  const environment = readFileSync(`/proc/${daemon}/environ`, "utf8").split("\0");
  assert.ok(environment.includes("SHEPHERD_RESCUE=1"), environment.join("\n"));
  assert.equal(await system.untilProcess("web"), pid);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
});

it("killed at random instants of a busy life, it leaves no process and no service behind", async (t) => {
  const names = Array.from({ length: 5 }, (_, index) => `s${index}`);
  const system = await bootSystem(t, {
    config: configuration(names.map((name) => sleeper(name))),
    keeperOptions: ["--deaths=50"],
  });
  for (let round = 0; round < 5; round += 1) {
    await system.untilStatus("root", "running");
    const restarts = names.map((name) => system.herd("restart", name));
    await delay(Math.random() * 100);
    await system.killDaemon();
    await Promise.all(restarts);
  }
  for (const name of names) {
    await system.until(name, "has settled", ({ status }) => status === "running" || status === "stopped");
  }
  const services = await Promise.all(names.map((name) => system.service(name)));
  const claimed = services.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  await system.waitFor("exactly the claimed processes run", () => {
    const sleeping = system
      .processes()
      .filter(({ command, state }) => command[0] === "/bin/sleep" && state !== "Z");
    return sleeping.length === claimed.length && sleeping.every(({ inner }) => claimed.includes(inner));
  });
  assert.ok(existsSync(system.socket));
});
