// Services that listen, over a fake keeper: what goes into one step, and that no death of the daemon between two steps
// loses a connection or serves it twice.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import { makeInetdConstructor, makeSystemdConstructor } from "../../../src/daemon/definition/constructors.js";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { Keeper } from "../../../src/daemon/keeper/types.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, definition, fakeKeeper, kill, settle, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

type Test = ReturnType<typeof testSystem>;

const http = endpoint("127.0.0.1:80", { name: "http" });
const local = endpoint("/run/web", { name: "local" });

const web = (options: Partial<ServiceDefinition> = {}): ServiceDefinition =>
  definition("web", { start: makeSystemdConstructor(["/bin/web"], [http, local]), stop: kill(), ...options });
const echo = (options = {}): ServiceDefinition =>
  definition("echo", { start: makeInetdConstructor(["/bin/cat"], [http], options), stop: kill() });

const controller = ({ system }: Test, name: string) => system.registry.get(name);
const listeners = ({ descriptors }: FakeKeeper): readonly string[] =>
  [...descriptors].filter(([, { kind }]) => kind === "listener").map(([name]) => name);
const watched = ({ descriptors }: FakeKeeper): readonly boolean[] =>
  [...descriptors.values()].filter(({ kind }) => kind === "listener").map((one) => one.watched);
const operations = (frame: readonly { readonly op: string }[] | undefined): readonly string[] =>
  (frame ?? []).map(({ op }) => op);
const pending = ({ unacknowledged }: FakeKeeper): readonly string[] => unacknowledged.map(({ type }) => type);

async function until(holds: () => boolean): Promise<void> {
  await waitFor("the condition of the test holds", holds);
}

async function start(
  definitions: readonly ServiceDefinition[],
  name: string,
  keeper = fakeKeeper(),
): Promise<Test> {
  const test = testSystem(definitions, keeper);
  assert.equal(await test.system.supervisor.start(name, [], client()), true, test.lines.join("\n"));
  await settle();
  return test;
}

/** The daemon that talks to `keeper` dies when it has sent its `last`th frame from now on: it does not hear of the result. */
function dieAfter(keeper: FakeKeeper, last: number): { readonly isDead: () => boolean } {
  const send = keeper.send.bind(keeper);
  let frames = 0;
  const dying: Keeper["send"] = async (requests, options) => {
    frames += 1;
    if (frames <= last) {
      const results = await send(requests, options);
      if (frames < last) return results;
    }
    keeper.onEvent(() => undefined);
    return await new Promise(() => undefined);
  };
  keeper.send = dying;
  return { isDead: () => frames >= last };
}

/** The next daemon, which knows the services that no module defines from the notes. */
const next = (definitions: readonly ServiceDefinition[], keeper: FakeKeeper): Test =>
  testSystem(definitions, keeper.successor(), (system) => system.registerNoted("which is lost"));

describe("a systemd-style service", () => {
  it("listens, and runs, before it has a process", async () => {
    const test = await start([web()], "web");
    const { value, status } = controller(test, "web").state;
    assert.equal(status, "running");
    assert.deepEqual(
      value,
      JSON.parse(
        JSON.stringify({ type: "systemd-service", endpoints: [http, local], command: ["/bin/web"] }),
      ),
    );
    assert.deepEqual(
      test.keeper.requests.filter(({ op }) => op === "listen"),
      [
        {
          op: "listen",
          name: listeners(test.keeper)[0],
          family: "ipv4",
          address: "127.0.0.1",
          port: 80,
          type: "stream",
          backlog: 128,
        },
        {
          op: "listen",
          name: listeners(test.keeper)[1],
          family: "unix",
          address: "/run/web",
          type: "stream",
          backlog: 128,
          mode: 0o666,
          directoryMode: 0o755,
        },
      ],
    );
    assert.deepEqual(watched(test.keeper), [true, true]);
    assert.equal(test.keeper.children.length, 0);
  });

  it("gets its process by the first connection, with the sockets, and leaves the rest to that", async () => {
    const test = await start([web()], "web");
    const [first = "", second = ""] = listeners(test.keeper);
    test.keeper.connect(second);
    test.keeper.connect(first);
    await settle();
    const [child] = test.keeper.children;
    assert.deepEqual(child?.spec?.listen, [
      { name: first, as: "http" },
      { name: second, as: "local" },
    ]);
    assert.deepEqual(watched(test.keeper), [false, false]);
    assert.deepEqual(pending(test.keeper), []);
    assert.equal(test.keeper.children.length, 1);
    const { value, processes } = controller(test, "web").state;
    assert.deepEqual(value, {
      type: "process",
      id: child?.id,
      pid: child?.pid,
      start: child?.start,
      command: ["/bin/web"],
    });
    assert.deepEqual(processes, []);
    const spawning = test.keeper.frames.find((frame) => frame.some(({ op }) => op === "spawn"));
    assert.deepEqual(
      operations(spawning).slice(-2),
      ["put-note", "spawn"],
      "the note that explains it is in the same step",
    );
  });

  it("keeps its sockets for a respawn, and waits again", async () => {
    const test = await start([web({ respawn: true })], "web");
    const before = listeners(test.keeper);
    test.keeper.connect(before[0] ?? "");
    await settle();
    test.keeper.end("web#0.1", { code: 3 });
    await until(() => controller(test, "web").state.status === "running");
    await settle();
    assert.deepEqual(listeners(test.keeper), before);
    assert.equal(
      test.keeper.requests.filter(({ op }) => op === "listen").length,
      2,
      "nothing was bound twice",
    );
    // Nobody has accepted the connection.
    await until(() => test.keeper.children.length === 1);
    assert.deepEqual(
      controller(test, "web").state.exitStatuses.map(({ status }) => status),
      [3 << 8],
    );
  });

  for (const [what, end, options] of [
    ["it is stopped", (test: Test) => test.system.supervisor.stop("web", [], client()), {}],
    ["its process ends and it is not respawned", (test: Test) => test.keeper.end("web#0.1", { code: 0 }), {}],
    [
      "it is stopped while a respawn is due",
      async (test: Test) => {
        test.keeper.end("web#0.1", { code: 0 });
        await settle();
        assert.equal(listeners(test.keeper).length, 2);
        await test.system.supervisor.stop("web", [], client());
      },
      { respawn: true, respawnDelay: 1000 },
    ],
    [
      "it is disabled while a respawn is due",
      async (test: Test) => {
        test.keeper.end("web#0.1", { code: 0 });
        await settle();
        controller(test, "web").disable();
      },
      { respawn: true, respawnDelay: 1000 },
    ],
    ["it is removed", (test: Test) => test.system.remove(controller(test, "web"), client()), {}],
  ] as const) {
    it(`closes its sockets when ${what}`, async () => {
      const test = await start([web(options)], "web");
      test.keeper.connect(listeners(test.keeper)[0] ?? "");
      await until(() => test.keeper.children.length === 1);
      await settle();
      await end(test);
      await until(() => listeners(test.keeper).length === 0);
      assert.ok(test.keeper.requests.some((one) => one.op === "close" && one.unlink === true));
    });
  }

  it("keeps its sockets over a restart, also one that the daemon does not outlive", async () => {
    const test = await start([web()], "web");
    const before = listeners(test.keeper);
    assert.equal(await test.system.supervisor.restart("web", [], client()), true);
    assert.deepEqual(listeners(test.keeper), before);
    const definitions = [web()];
    const count = test.keeper.frames.length;
    await test.system.supervisor.restart("web", [], client());
    await settle();
    const frames = test.keeper.frames.length - count;
    for (let last = 1; last <= frames; last += 1) {
      const one = await start(definitions, "web");
      const { isDead } = dieAfter(one.keeper, last);
      one.system.supervisor.restart("web", [], client()).catch(() => undefined);
      await until(isDead);
      const later = next(definitions, one.keeper);
      await until(() => controller(later, "web").state.status === "running");
      await settle();
      assert.equal(
        one.keeper.requests.concat(later.keeper.requests).filter(({ op }) => op === "close").length,
        0,
      );
      assert.deepEqual(watched(later.keeper), [true, true], `after frame ${last}`);
    }
  });

  it("has no sockets after a stop, after whichever step of it the daemon dies", async () => {
    for (const hasProcess of [false, true]) {
      const begin = async (): Promise<Test> => {
        const test = await start([web()], "web");
        if (hasProcess) test.keeper.connect(listeners(test.keeper)[0] ?? "");
        await until(() => test.keeper.children.length === Number(hasProcess));
        await settle();
        return test;
      };
      const probe = await begin();
      const count = probe.keeper.frames.length;
      await probe.system.supervisor.stop("web", [], client());
      const frames = probe.keeper.frames.length - count;
      for (let last = 1; last <= frames; last += 1) {
        const test = await begin();
        const { isDead } = dieAfter(test.keeper, last);
        test.system.supervisor.stop("web", [], client()).catch(() => undefined);
        await until(isDead);
        const later = next([web()], test.keeper);
        await until(() => controller(later, "web").state.status === "stopped");
        await settle();
        assert.deepEqual(
          [listeners(later.keeper), later.keeper.children.length, pending(later.keeper)],
          [[], 0, []],
          `after frame ${last}`,
        );
      }
    }
  });

  for (const lazyStart of [true, false]) {
    it(`that is ${lazyStart ? "" : "not "}lazy starts, after whichever step of that the daemon dies`, async () => {
      const definitions = [
        web({ start: makeSystemdConstructor(["/bin/web"], [http, local], { lazyStart }) }),
      ];
      const { keeper: probe } = await start(definitions, "web");
      for (let last = 1; last <= probe.frames.length; last += 1) {
        const keeper = fakeKeeper();
        const { isDead } = dieAfter(keeper, last);
        testSystem(definitions, keeper)
          .system.supervisor.start("web", [], client())
          .catch(() => undefined);
        await until(isDead);
        const later = next(definitions, keeper);
        await until(() => controller(later, "web").state.status === "running");
        await settle();
        assert.deepEqual(watched(later.keeper), [lazyStart, lazyStart], `after frame ${last}`);
        assert.equal(later.keeper.children.length, lazyStart ? 0 : 1, `after frame ${last}`);
      }
    });
  }

  it("is started once for a connection, after whichever step the daemon dies", async () => {
    const probe = await start([web()], "web");
    const count = probe.keeper.frames.length;
    probe.keeper.connect(listeners(probe.keeper)[0] ?? "");
    await settle();
    const frames = probe.keeper.frames.length - count;
    assert.ok(frames >= 2);
    for (let last = 1; last <= frames; last += 1) {
      const test = await start([web()], "web");
      const { isDead } = dieAfter(test.keeper, last);
      test.keeper.connect(listeners(test.keeper)[0] ?? "");
      await until(isDead);
      await settle();
      const later = next([web()], test.keeper);
      await until(() => later.keeper.children.length === 1 && later.keeper.children[0]?.state === "running");
      await settle();
      const [child] = later.keeper.children;
      const { value, processes, status } = controller(later, "web").state;
      assert.deepEqual([status, processes], ["running", []]);
      assert.equal((value as { readonly id?: string }).id, child?.id, `after frame ${last}`);
      assert.deepEqual(watched(later.keeper), [false, false]);
      assert.deepEqual(pending(later.keeper), []);
      await later.system.supervisor.stop("web", [], client());
      assert.equal(later.keeper.children.length, 0);
    }
  });

  it("whose program cannot be spawned has ended, and says why", async () => {
    const test = await start([web()], "web");
    test.keeper.refuse("spawn", constants.errno.EAGAIN, "spawn web#0.1");
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await until(() => controller(test, "web").state.status === "stopped");
    assert.ok(
      test.lines.some(
        (line) => line === "Service web: spawn spawn web#0.1: Resource temporarily unavailable",
      ),
      test.lines.join("\n"),
    );
    await settle();
    assert.deepEqual(listeners(test.keeper), []);
  });

  it("that is stopped between the connection and its process leaves none", async () => {
    const test = await start([web()], "web");
    const spawned = test.keeper.send.bind(test.keeper);
    const stopped: Promise<unknown>[] = [];
    test.keeper.send = (requests, options) => {
      const results = spawned(requests, options);
      if (requests.some(({ op }) => op === "spawn"))
        stopped.push(test.system.supervisor.stop("web", [], client()));
      return results;
    };
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await until(() => stopped.length === 1);
    await Promise.all(stopped);
    assert.equal(controller(test, "web").state.status, "stopped");
    assert.deepEqual([test.keeper.children.length, listeners(test.keeper).length], [0, 0]);
  });

  it("gets other sockets where its definition was replaced by one with others", async () => {
    const test = await start([web()], "web");
    const [first] = listeners(test.keeper);
    const start81 = makeSystemdConstructor(["/bin/web"], [http, endpoint(81)], { lazyStart: false });
    test.system.registry.register([web({ start: start81 })]);
    await test.system.supervisor.restart("web", [], client());
    assert.equal(listeners(test.keeper).length, 2);
    assert.equal(listeners(test.keeper)[0], first);
    assert.equal(test.keeper.children.length, 1);
    test.system.registry.register([definition("web")]);
    await test.system.supervisor.restart("web", [], client());
    await settle();
    assert.deepEqual(listeners(test.keeper), []);
  });

  it("closes, in a new daemon, what nobody needs any more", async () => {
    const test = await start([web()], "web");
    const later = testSystem([definition("other")], test.keeper.successor());
    await until(() => listeners(later.keeper).length === 0);
  });
});

it("a start function cannot pass its value off as sockets", async () => {
  const value = { type: "inetd-service", endpoints: "none", command: 1 };
  const test = testSystem([definition("web", { start: () => value })]);
  const request = client();
  assert.equal(await test.system.supervisor.start("web", [], request), false);
  assert.match(request.messages.join("\n"), /the running value says that it is of type inetd-service/);
});

describe("an address in use", () => {
  it("is tried as often as the endpoint says, and what was made before is closed", async () => {
    const busy = endpoint(81, { bindAttempts: 1 });
    const test = testSystem([definition("web", { start: makeInetdConstructor(["/bin/cat"], [http, busy]) })]);
    test.keeper.refuse((one) => one.op === "listen" && one.port === 81, constants.errno.EADDRINUSE);
    const request = client();
    assert.equal(await test.system.supervisor.start("web", [], request), false);
    assert.ok(
      request.messages.includes(
        "Failed to start web: listen on 0.0.0.0:81: Address already in use (tried once)",
      ),
    );
    await settle();
    assert.deepEqual(listeners(test.keeper), []);
  });

  it("can be given up by a stop", async () => {
    const test = testSystem([
      definition("web", { start: makeInetdConstructor(["/bin/cat"], [http, local]), stop: kill() }),
    ]);
    test.keeper.refuse((one) => one.op === "listen" && one.family === "unix", constants.errno.EADDRINUSE);
    const starting = test.system.supervisor.start("web", [], client());
    await until(() => listeners(test.keeper).length === 1);
    await test.system.supervisor.stop("web", [], client());
    assert.equal(await starting, false);
    await settle();
    assert.deepEqual(listeners(test.keeper), []);
  });
});

describe("an inetd-style service", () => {
  const connectionsOf = ({ system }: Test): readonly string[] =>
    system.registry.controllers.map(({ name }) => name).filter((name) => /^cat-\d+$/.test(name));

  const notesOf = ({ keeper }: Test): readonly string[] =>
    [...keeper.notes.keys()].filter((key) => key.includes("cat-"));

  it("accepts, spawns and acknowledges in one step", async () => {
    const test = await start([echo()], "echo");
    const [socket = ""] = listeners(test.keeper);
    test.keeper.connect(socket);
    await settle();
    const frame = test.keeper.frames.find((one) => one.some(({ op }) => op === "accept"));
    assert.deepEqual(operations(frame), ["put-note", "put-note", "accept", "spawn", "close", "acknowledge"]);
    const [child] = test.keeper.children;
    assert.equal(child?.spec?.socketEnvironment, "connection/cat-1");
    assert.deepEqual(
      child?.spec?.descriptors,
      [0, 1, 2].map((target) => ({ target, source: { name: "connection/cat-1" } })),
    );
    assert.deepEqual(connectionsOf(test), ["cat-1"]);
    assert.equal(controller(test, "cat-1").state.status, "running");
    assert.equal(controller(test, "cat-1").definition.transient, true);
    assert.deepEqual([...test.keeper.descriptors.keys()], [socket], "the connection is the program's alone");
    test.keeper.end("cat-1#0.1", { code: 0 });
    await settle();
    assert.deepEqual(connectionsOf(test), []);
    await until(() => notesOf(test).length === 0);
  });

  it("accepts and closes what is beyond its limit", async () => {
    const test = await start([echo({ maxConnections: 1 })], "echo");
    const [socket = ""] = listeners(test.keeper);
    for (let index = 0; index < 3; index += 1) test.keeper.connect(socket);
    await settle();
    assert.equal(test.keeper.children.length, 1);
    assert.deepEqual(pending(test.keeper), []);
    assert.equal(test.keeper.requests.filter(({ op }) => op === "accept").length, 3);
    assert.equal(test.lines.filter((line) => line.endsWith("one more is closed")).length, 2);
    // The places of those that are over are free.
    test.keeper.end("cat-1#0.1", { code: 0 });
    await settle();
    test.keeper.connect(socket);
    await settle();
    assert.deepEqual(connectionsOf(test), ["cat-2"]);
  });

  it("waits a little where a connection could not be accepted, and leaves no service behind", async () => {
    const test = await start([echo()], "echo");
    const [socket = ""] = listeners(test.keeper);
    test.keeper.refuse("accept", constants.errno.EMFILE, "accept at it");
    test.keeper.connect(socket);
    await settle();
    await until(() => connectionsOf(test).length === 0);
    assert.deepEqual(watched(test.keeper), [false]);
    assert.ok(
      test.lines.some((line) => line.includes("spawn accept at it: Too many open files")),
      test.lines.join("\n"),
    );
    await until(() => test.keeper.children.length === 1);
    await settle();
    assert.deepEqual([connectionsOf(test).length, pending(test.keeper)], [1, []]);
  });

  it("that was restarted meanwhile goes on, whatever becomes of a connection of before", async () => {
    const test = await start([echo()], "echo");
    const [socket = ""] = listeners(test.keeper);
    test.keeper.refuse("accept", constants.errno.EMFILE, "accept at it");
    test.keeper.connect(socket);
    await until(() => test.keeper.requests.some(({ op }) => op === "accept"));
    await test.system.supervisor.restart("echo", [], client());
    await until(() => test.keeper.children.length === 1);
    test.keeper.connect(socket);
    await until(() => test.keeper.children.length === 2);
    await settle();
    assert.deepEqual([watched(test.keeper), pending(test.keeper)], [[true], []]);
  });

  it("starts what its connections require without holding an event up", async () => {
    let up = (): void => undefined;
    const base = definition("base", {
      start: () =>
        new Promise<true>((resolve) => {
          up = () => resolve(true);
        }),
    });
    const test = await start([base, echo({ requirements: ["base"] })], "echo");
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await settle();
    assert.deepEqual([pending(test.keeper), watched(test.keeper)], [[], [false]]);
    up();
    await until(() => test.keeper.children.length === 1);
    await settle();
    assert.deepEqual(controller(test, "cat-1").definition.requirement, ["base"]);
    await test.system.supervisor.stop("base", [], client());
    assert.deepEqual(connectionsOf(test), []);
    assert.equal(controller(test, "echo").state.status, "running");
  });

  it("runs a one-shot that its connections require for each of them", async () => {
    let runs = 0;
    const once = definition("once", {
      oneShot: true,
      start: () => {
        runs += 1;
        return true;
      },
    });
    const test = await start([once, echo({ requirements: ["once"] })], "echo");
    for (const count of [1, 2]) {
      test.keeper.connect(listeners(test.keeper)[0] ?? "");
      await until(() => test.keeper.children.length === count);
      await settle();
      assert.deepEqual([runs, watched(test.keeper), pending(test.keeper)], [count, [true], []]);
    }
  });

  it("closes a connection whose requirement does not start", async () => {
    const base = definition("base", { start: () => false });
    const test = await start([base, echo({ requirements: ["base"] })], "echo");
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await until(() => test.keeper.requests.some(({ op }) => op === "accept"));
    await settle();
    assert.deepEqual(
      [test.keeper.children.length, watched(test.keeper), pending(test.keeper)],
      [0, [true], []],
    );
  });

  it("leaves connections alone when it stops, and takes none any more", async () => {
    const test = await start([echo()], "echo");
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await settle();
    await test.system.supervisor.stop("echo", [], client());
    await settle();
    assert.deepEqual([connectionsOf(test), listeners(test.keeper)], [["cat-1"], []]);
    const later = next([echo()], test.keeper);
    await settle();
    assert.equal(controller(later, "cat-1").state.status, "running");
    await later.system.supervisor.start("echo", [], client());
    await settle();
    later.keeper.connect(listeners(later.keeper)[0] ?? "");
    await settle();
    assert.deepEqual(connectionsOf(later), ["cat-1", "cat-2"], "names that are taken are not used");
  });

  it("serves each of two connections once, after whichever step the daemon dies", async () => {
    const probe = await start([echo()], "echo");
    const count = probe.keeper.frames.length;
    const twice = ({ keeper }: Test): void => {
      const [socket = ""] = listeners(keeper);
      keeper.connect(socket);
      keeper.connect(socket);
    };
    twice(probe);
    await settle();
    const frames = probe.keeper.frames.length - count;
    assert.ok(frames >= 3, `${frames} frames`);
    for (let last = 1; last <= frames; last += 1) {
      const test = await start([echo()], "echo");
      const { isDead } = dieAfter(test.keeper, last);
      twice(test);
      await until(isDead);
      await settle();
      const later = next([echo()], test.keeper);
      await settle();
      const served = later.keeper.children.filter(({ spec }) => spec?.socketEnvironment !== undefined);
      assert.equal(served.length, 2, `after frame ${last}`);
      assert.deepEqual([pending(later.keeper), watched(later.keeper)], [[], [true]], `after frame ${last}`);
      assert.equal(later.keeper.descriptors.size, 1, `after frame ${last}`);
      assert.equal(connectionsOf(later).length, 2, `after frame ${last}: ${connectionsOf(later)}`);
      for (const { id } of served) later.keeper.end(id, { code: 0 });
      await settle();
      assert.deepEqual(connectionsOf(later), [], `after frame ${last}`);
      await until(() => notesOf(later).length === 0);
    }
  });
});
