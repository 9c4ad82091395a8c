// The daemon's life under the keeper: its environment, its deaths and silences, its timers and signals.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { children } from "../../support/processes.js";
import { waitFor } from "../../support/wait.js";
import { hostPid, skip, withBed } from "./bed.js";

const { EBUSY, ENOENT, EINVAL } = constants.errno;
const { SIGKILL, SIGTERM } = constants.signals;
const second = 1_000_000_000n;
/** Seconds that a daemon which is well may be kept from answering. */
const patience = 5;
const monotonic = (): bigint => process.hrtime.bigint();

describe("the daemon", { skip, concurrency: 2 }, () => {
  it("gets its descriptors and environment, a session of its own, and nothing else", () =>
    withBed({ environment: { NODE_EXTRA_CA_CERTS: "/no/bundle", SHEPHERD_RESCUE: "1" } }, async (bed) => {
      const agent = await bed.agent();
      const { environment, inventory } = agent;
      assert.equal(environment.SHEPHERD_KEEPER_FD, "3");
      assert.equal(environment.SHEPHERD_GENERATION, "0");
      assert.equal(environment.SHEPHERD_RESCUE, undefined);
      assert.equal(environment.NODE_EXTRA_CA_CERTS, undefined);
      assert.equal(environment.SHEPHERD_SAVED_NODE_EXTRA_CA_CERTS, "/no/bundle");
      const pid = hostPid(await bed.pid, agent.pid);
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      assert.deepEqual(stat.slice(2, 4), [`${pid}`, `${pid}`], "it leads a session");
      const target = (fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`);
      assert.equal(target(0), "/dev/null");
      assert.match(target(1), /^pipe:/);
      assert.equal(target(1), target(2));
      assert.deepEqual(
        inventory.keeper.slots.map(({ descriptor }) => descriptor),
        [4, 5, 6, 7, 8, 9, 10, 11],
      );
      assert.equal(inventory.keeper.init, true);
      assert.equal(inventory.keeper.initial, false);
      assert.equal(inventory.keeper.rescue, false);
      assert.equal(inventory.keeper.generation, 0);
      assert.match(inventory.keeper.bootId, /^[0-9a-f-]{36}$/);
      assert.deepEqual(inventory.keeper.terminals, [false, false, false]);
    }));

  it("is started again at once, then with growing delay, at last in rescue mode", () =>
    withBed({ keeper: ["--deaths=3", "--window=60"] }, async (bed) => {
      const times: number[] = [];
      for (let generation = 0; generation < 4; generation++) {
        const agent = await bed.agent();
        times.push(Date.now());
        assert.equal(agent.environment.SHEPHERD_GENERATION, `${generation}`);
        assert.equal(agent.environment.SHEPHERD_RESCUE, generation < 3 ? undefined : "1");
        assert.equal(agent.inventory.keeper.rescue, generation === 3);
        if (generation > 0) {
          const told = await agent.event("daemon-restarted");
          assert.deepEqual(
            [told.reason, told.deaths, told.status],
            ["died", generation, (generation - 1) << 8],
          );
        }
        agent.command({ kind: "exit", code: generation });
      }
      const [, first = 0, , third = 0] = times;
      assert.ok(third - first >= 300, `the second and third delay were ${third - first} ms`);
    }));

  it("is started again however many descriptors its predecessor made", () =>
    withBed({ under: ["prlimit", "--nofile=700:700"] }, async (bed) => {
      const first = await bed.agent();
      let made = 0;
      for (let failed = false; !failed; made++) {
        const [result] = await first.send([{ op: "memory-file", name: `file#${made}`, size: 0 }]);
        failed = result?.errno !== 0;
      }
      await bed.killAgent(first);
      const next = await bed.agent();
      assert.equal(next.environment.SHEPHERD_GENERATION, "1");
      assert.doesNotMatch(bed.stderr, /start/);
    }));

  it("is started again with delays even where no window remembers deaths", () =>
    withBed(
      { keeper: ["--window=0"], program: ["/bin/sh", "-c", 'echo >> "$DEATHS"; exit 1'] },
      async (bed) => {
        const deaths = (): number =>
          existsSync(join(bed.directory, "deaths"))
            ? readFileSync(join(bed.directory, "deaths"), "utf8").length
            : 0;
        await waitFor("the first has died", () => deaths() > 0);
        const begun = Date.now();
        await waitFor("three more have", () => deaths() > 3);
        assert.ok(Date.now() - begun >= 250, `they came within ${Date.now() - begun} ms`);
      },
    ));

  it("leaves rescue mode once one lived for the window", () =>
    withBed({ keeper: ["--deaths=1", "--window=1"] }, async (bed) => {
      const first = await bed.agent();
      first.command({ kind: "exit", code: 1 });
      const rescue = await bed.agent();
      assert.equal(rescue.inventory.keeper.rescue, true);
      const age = Date.now();
      await waitFor("it has lived for the window", () => Date.now() - age > 1100);
      rescue.command({ kind: "exit", code: 1 });
      // The window's death counts, and so the next one is a rescue again: with two allowed it is not.
      const next = await bed.agent();
      assert.equal((await next.event("daemon-restarted")).deaths, 1);
    }));

  it("leaves rescue mode, its deaths forgotten, when a start is asked for", () =>
    withBed({ keeper: ["--deaths=2", "--window=1000"] }, async (bed) => {
      for (const code of [1, 2]) (await bed.agent()).command({ kind: "exit", code });
      const rescue = await bed.agent();
      assert.equal(rescue.inventory.keeper.rescue, true);
      await rescue.ok({ op: "relaunch", reason: "repaired" });
      rescue.command({ kind: "exit", code: 0 });
      const repaired = await bed.agent();
      assert.equal((await repaired.event("daemon-restarted")).deaths, 0);
      assert.equal(repaired.environment.SHEPHERD_RESCUE, undefined);
      repaired.command({ kind: "exit", code: 3 });
      const next = await bed.agent();
      assert.equal((await next.event("daemon-restarted")).deaths, 1);
      assert.equal(next.inventory.keeper.rescue, false);
    }));

  it("may ask to be started again, which is no death", () =>
    withBed({ keeper: ["--deaths=1"] }, async (bed) => {
      const first = await bed.agent();
      await first.ok({ op: "relaunch", reason: "new code" });
      first.command({ kind: "exit", code: 0 });
      const next = await bed.agent();
      const told = await next.event("daemon-restarted");
      assert.deepEqual(
        [told.reason, told.text, told.deaths, told.generation],
        ["relaunch", "new code", 0, 1],
      );
      assert.equal(next.inventory.keeper.rescue, false);
    }));

  it("that spins with an event unacknowledged is killed, and the culprit named", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "configure", silence: 1, culprit: "calling" });
      await agent.ok({ op: "put-note", key: "calling", value: Buffer.from("start of service web") });
      await agent.run("one", ["true"]);
      agent.command({ kind: "spin" });
      const next = await bed.agent();
      const told = await next.event("daemon-restarted");
      assert.deepEqual([told.reason, told.text, told.status], ["silent", "start of service web", SIGKILL]);
      assert.match(bed.stderr, /silent for 1 s.*start of service web/);
      await next.event("child-ended");
    }));

  it("is not blamed for the time in which the keeper itself did not run", () =>
    withBed({ keeper: ["--silence=2"] }, async (bed) => {
      const agent = await bed.agent();
      await bed.signal("SIGUSR2");
      await agent.event("signal");
      await bed.signal("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const continued = Date.now();
      await bed.signal("SIGCONT");
      const next = await bed.agent();
      assert.equal((await next.event("daemon-restarted")).reason, "silent");
      assert.ok(Date.now() - continued >= 1900, `it had ${Date.now() - continued} ms`);
    }));

  it("that leaves a connection waiting is killed, one that answers it is not", () =>
    // A busy machine may keep a daemon that is well from answering for a second, and another one answers to nobody.
    withBed({ keeper: [`--silence=${patience}`] }, async (bed) => {
      const agent = await bed.agent();
      const address = join(bed.directory, "control");
      await agent.ok({ op: "listen", name: "control", family: "unix", address, type: "stream", slot: 0 });
      await agent.ask({ kind: "serve", descriptor: 4 });
      const begun = Date.now();
      while (Date.now() - begun < (patience + 1) * 1000) {
        const client = connect(address);
        client.setTimeout(20_000, () => client.destroy(new Error("nobody answers")));
        await new Promise((resolve, reject) => client.on("error", reject).on("close", resolve).resume());
      }
      assert.equal(agent.events.length, 0);
      process.kill(hostPid(await bed.pid, agent.pid), "SIGSTOP");
      const client = connect(address);
      client.on("error", () => {});
      const next = await bed.agent();
      assert.equal((await next.event("daemon-restarted")).reason, "silent");
      client.destroy();
    }));

  it("while idle costs the keeper not a single wake-up", () =>
    withBed({ keeper: ["--silence=1"] }, async (bed) => {
      const agent = await bed.agent();
      const address = join(bed.directory, "control");
      await agent.ok({ op: "listen", name: "control", family: "unix", address, type: "stream", slot: 0 });
      const keeper = await bed.pid;
      const switches = (): string =>
        readFileSync(`/proc/${keeper}/status`, "utf8").match(/^voluntary_ctxt_switches:\s*(\d+)/m)?.[1] ?? "";
      await waitFor("it has become quiet", async () => {
        const before = switches();
        await new Promise((resolve) => setTimeout(resolve, 1500));
        return switches() === before;
      });
    }));

  it("may hibernate once everything is acknowledged, and is woken by an event or a connection", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const address = join(bed.directory, "control");
      await first.ok({ op: "listen", name: "control", family: "unix", address, type: "stream", slot: 0 });
      await first.ok({ op: "arm-timer", id: "wake", clock: "monotonic", at: monotonic() + second / 2n });
      await first.run("one", ["true"]);
      await first.event("child-ended");
      await first.refused({ op: "hibernate" }, EBUSY, /not acknowledged/);
      for (const event of [...first.events]) await first.acknowledge(event);
      await first.ok({ op: "hibernate" });
      first.command({ kind: "exit", code: 0 });
      const other = await bed.agent();
      const told = await other.event("daemon-restarted");
      assert.deepEqual([told.reason, told.deaths], ["woken", 0]);
      await other.event("timer-fired", ({ id }) => id === "wake");
      for (const event of [...other.events]) await other.acknowledge(event);
      await other.ok({ op: "hibernate" });
      other.command({ kind: "exit", code: 0 });
      await other.gone();
      const keeper = await bed.pid;
      await waitFor("no daemon lives", () => children(keeper).length === 0);
      const client = connect(address);
      client.on("error", () => {});
      const third = await bed.agent();
      assert.equal((await third.event("daemon-restarted")).reason, "woken");
      client.destroy();
    }));

  it("that closes its channel but lives on is killed", () =>
    withBed({ program: ["/bin/sh", "-c", "exec 3>&-; exec sleep 1000"] }, async (bed) => {
      const keeper = await bed.pid;
      const first = await waitFor("a daemon runs", () => children(keeper)[0]);
      await waitFor("another one runs", () => {
        const next = children(keeper)[0];
        return next !== undefined && next !== first;
      });
    }));

  it("is told of timers that fire, also while it is dead, and the child dies at the deadline", () =>
    withBed({ init: false }, async (bed) => {
      const first = await bed.agent();
      await first.run("one", ["sleep", "1000"]);
      await first.run("two", ["sleep", "1000"]);
      const at = monotonic() + second / 2n;
      await first.ok({ op: "arm-timer", id: "stop/one", clock: "monotonic", at, kill: "one" });
      await first.ok({
        op: "arm-timer",
        id: "stop/two",
        clock: "boottime",
        at: 1n,
        kill: "two",
        signal: SIGTERM,
      });
      await first.ok({ op: "arm-timer", id: "never", clock: "realtime", at: 2n ** 62n });
      await first.ok({ op: "arm-timer", id: "gone", clock: "monotonic", at });
      await first.ok({ op: "disarm-timer", id: "gone" });
      await first.refused({ op: "disarm-timer", id: "gone" }, ENOENT, /timer gone/);
      assert.equal((await first.event("child-ended", ({ id }) => id === "two")).status, SIGTERM);
      first.command({ kind: "spin" });
      const keeper = await bed.pid;
      // Stopped, so that it is the keeper that kills.
      process.kill(hostPid(keeper, first.pid), "SIGSTOP");
      await waitFor("the child is killed", () => children(keeper).length === 1);
      await bed.killAgent(first);
      const next = await bed.agent();
      assert.equal((await next.event("child-ended", ({ id }) => id === "one")).status, SIGKILL);
      const fired = await next.event("timer-fired", ({ id }) => id === "stop/one");
      assert.deepEqual(
        next.inventory.timers.map(({ id }) => id),
        ["stop/one", "stop/two", "never"],
      );
      await next.acknowledge(fired);
      await next.refused({ op: "disarm-timer", id: "stop/one" }, ENOENT, /timer/);
      await next.ok({ op: "arm-timer", id: "never", clock: "realtime", at: BigInt(Date.now()) * 1_000_000n });
      await next.event("timer-fired", ({ id }) => id === "never");
      assert.equal(
        next.events.some((event) => event.type === "timer-fired" && event.id === "gone"),
        false,
      );
    }));

  it("is told of signals with their sender; what comes while one is pending is counted", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await bed.signal("SIGUSR1");
      const told = await agent.event("signal");
      assert.deepEqual([told.signal, told.uid, told.count], [constants.signals.SIGUSR1, 0, 1]);
      await bed.signal("SIGUSR1");
      await bed.signal("SIGWINCH");
      await agent.event("signal", ({ signal }) => signal === constants.signals.SIGWINCH);
      await agent.refused({ op: "acknowledge", event: told.event, store: "x" }, EINVAL, /only a datagram/);
      await agent.acknowledge(told);
      const again = await agent.event("signal", ({ event }) => event > told.event);
      assert.equal(again.count, 1);
    }));
});
