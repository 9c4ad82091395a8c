// Probes and health over a fake keeper: nothing of a probe is left, whenever the daemon dies.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { makeForkexecConstructor } from "../../../src/daemon/definition/constructors.js";
import { commandSucceeds, type Probe, portAnswers } from "../../../src/daemon/readiness/options.js";
import { runProbe } from "../../../src/daemon/readiness/probe.js";
import { installRuntime } from "../../../src/daemon/runtime.js";
import { childrenOf, deaths, rest, stateOf, until } from "../../support/crashes.js";
import type { FakeKeeper, FakeKeeperOptions } from "../../support/fake-keeper.js";
import {
  client,
  definition,
  emptySystem,
  fakeKeeper,
  type TestSystem,
  testSystem,
} from "../../support/system.js";
import { conditionOf, web } from "./support.js";

const isProbe = ({ id }: { readonly id: string }): boolean => id.startsWith("probe/");
const probes = (keeper: FakeKeeper) => keeper.children.filter(isProbe);

/** Probes exit with this, or hang. */
const probesEnd = (code: () => number | undefined): FakeKeeperOptions => ({
  onSpawn: (child, keeper) => {
    keeper.started(child.id);
    const end = code();
    if (isProbe(child) && end !== undefined) keeper.end(child.id, { code: end });
  },
});

const start = (one: TestSystem) => one.system.supervisor.start("web", [], client());

test("a start succeeds when its command does, and tells of the last failure where none does", async () => {
  let left = 3;
  const ready = commandSucceeds(["/bin/check"], { interval: 0.01, attempts: 3 });
  const good = testSystem([web({ readiness: ready })], fakeKeeper(probesEnd(() => (left-- > 1 ? 1 : 0))));
  assert.equal(await start(good), true);
  const bad = testSystem([web({ readiness: ready })], fakeKeeper(probesEnd(() => 7)));
  assert.equal(await start(bad), false);
  assert.equal(stateOf(bad, "web").failure, 'readiness: command "/bin/check": exited with 7 (tried 3 times)');
  await rest(bad);
  assert.deepEqual(bad.keeper.children, []);
});

test("a command that hangs is ended in time by the keeper, whoever lives", async () => {
  const ready = commandSucceeds(["/bin/check"], { timeout: 60, attempts: 1 });
  const one = testSystem([web({ readiness: ready })], fakeKeeper(probesEnd(() => undefined)));
  const outcome = start(one);
  await until("a probe is under way", () => probes(one.keeper).length === 1);
  const [probe] = probes(one.keeper);
  one.keeper.fire(`timeout/${probe?.id}`);
  assert.equal(await outcome, false);
  assert.equal(
    stateOf(one, "web").failure,
    'readiness: command "/bin/check": did not end within 60 s (tried once)',
  );
});

test("a stop ends the probe of a start with it", async () => {
  const ready = commandSucceeds(["/bin/check"]);
  const one = testSystem([web({ readiness: ready })], fakeKeeper(probesEnd(() => undefined)));
  const outcome = start(one);
  await until("a probe is under way", () => probes(one.keeper).length === 1);
  await one.system.supervisor.stop("web", [], client());
  assert.equal(await outcome, false);
  await rest(one);
  assert.deepEqual(one.keeper.children, []);
});

test("an unhealthy service is ended and started again, whenever the daemon dies", async () => {
  const health = { probe: commandSucceeds(["/bin/check"]), interval: 0.01, startDelay: 0, failures: 2 };
  const definitions = [web({ health })];
  // Of the first process only the probes fail.
  const sick: FakeKeeperOptions = {
    onSpawn: (child, keeper) => {
      keeper.started(child.id);
      if (isProbe(child))
        keeper.end(child.id, { code: keeper.children.some(({ id }) => id === "web#0.1") ? 1 : 0 });
    },
  };
  const first = testSystem(definitions, fakeKeeper(sick));
  await start(first);
  const replaced = (keeper: FakeKeeper): boolean =>
    keeper.children.some((child) => child.id !== "web#0.1" && !isProbe(child) && child.state === "running");
  await until("it was started again", () => replaced(first.keeper));
  await until("it is well", () => conditionOf(first).health?.failures === 0);
  await first.system.supervisor.stop("web", [], client());
  const from = first.keeper.instants.findIndex((what) => what.includes("spawn probe/"));
  const to = first.keeper.instants.findLastIndex((what) => what.includes("spawn probe/"));
  for (const { left, after } of deaths(first.keeper, from)) {
    if (Number.parseInt(after, 10) > to) break;
    const next = testSystem(definitions, left);
    await until(`it is well: ${after}`, () => conditionOf(next).health?.failures === 0 && replaced(left));
    await next.system.supervisor.stop("web", [], client());
    await until(`nothing is left: ${after}`, () => left.children.length === 0);
  }
  assert.ok(from >= 0);
});

test("a probe that is under way when the daemon dies is ended by the next one", async () => {
  const definitions = [web({ health: { probe: commandSucceeds(["/bin/check"]), startDelay: 0 } })];
  const first = testSystem(definitions, fakeKeeper(probesEnd(() => undefined)));
  await start(first);
  await until("a probe is under way", () => probes(first.keeper).length === 1);
  const [old] = probes(first.keeper);
  const left = first.keeper.successor();
  const second = testSystem(definitions, left);
  await until("it is ended", () => !left.children.some(({ id }) => id === old?.id));
  await second.system.supervisor.stop("web", [], client());
  await until("nothing is left", () => left.children.length === 0);
});

test("health is noted when it changes, and not with every probe", async () => {
  const health = { probe: commandSucceeds(["/bin/check"]), interval: 0.01, startDelay: 0 };
  const one = testSystem([web({ health })], fakeKeeper(probesEnd(() => 0)));
  await start(one);
  let count = 0;
  await until("ten probes were made", () => {
    count = one.keeper.requests.filter((request) => request.op === "spawn" && isProbe(request)).length;
    return count >= 10;
  });
  const noted = one.keeper.requests.filter(({ op }) => op === "put-note").length;
  assert.ok(noted < 8, `${noted} notes`);
  await one.system.supervisor.stop("web", [], client());
  await rest(one);
  assert.deepEqual(childrenOf(one.keeper), []);
});

test("a start function can wait for a probe, but nothing of its own start can go on after it", async () => {
  const probed = definition("web", {
    start: () => makeForkexecConstructor(["/bin/web"], { readiness: commandSucceeds(["/bin/check"]) })(),
  });
  const one = testSystem([probed], fakeKeeper(probesEnd(() => 0)), installRuntime);
  assert.equal(await start(one), true);
  const watched = definition("web", {
    start: () => makeForkexecConstructor(["/bin/web"], { watchdog: 1 })(),
  });
  const other = testSystem([watched], fakeKeeper(), installRuntime);
  assert.equal(await start(other), false);
  assert.match(stateOf(other, "web").failure ?? "", /need the constructor to be the service's whole start/);
});

/** Listens, accepts nothing, and has room for one. */
const deaf = `
import socket, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
print(server.getsockname()[1], flush=True)
time.sleep(1000)
`;

test("a port answers, refuses, or is given up in time, and no socket of ours stays", async (t) => {
  const { host } = emptySystem(fakeKeeper()).system;
  const ask = (probe: Probe, signal = new AbortController().signal) =>
    runProbe(host, { name: "web", options: {} }, probe, signal);
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
  const before = sockets();
  const server = spawn("/usr/bin/python3", ["-c", deaf], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => server.kill("SIGKILL"));
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  // The kernel answers the first; those for whom there is no room it leaves waiting.
  assert.equal(await ask(portAnswers(port)), undefined);
  const crowd = await Promise.all([1, 2, 3].map(() => ask(portAnswers(port, { timeout: 0.2 }))));
  assert.ok(crowd.includes("no answer within 0.2 s"), String(crowd));
  const aborted = new AbortController();
  const hanging = ask(portAnswers(port), aborted.signal);
  aborted.abort(new Error("enough"));
  await assert.rejects(hanging, /enough/);
  assert.match(String(await ask(portAnswers("/nonexistent/socket"))), /ENOENT|No such file/);
  server.kill("SIGKILL");
  await once(server, "exit");
  assert.match(String(await ask(portAnswers(port))), /ECONNREFUSED|refused/);
  await until("no socket is left", () => sockets() <= before);
});
