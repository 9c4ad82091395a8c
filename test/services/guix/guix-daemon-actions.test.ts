// The actions of guix-daemon, with a store that is not there and a supervisor that writes down what it is asked.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setRuntime } from "../../../src/daemon/definition/runtime.js";
import { guixDaemonActions, restartGuixDaemon } from "../../../src/services/guix/guix-daemon-actions.js";
import type { Overrides } from "../../../src/services/guix/guix-daemon-start.js";
import type { StoreClient } from "../../../src/services/guix/guix-store-client.js";
import { idleRuntime } from "../../daemon/definition/support.js";

const refusing = (): never => assert.fail("nobody asked for that");
const idle: StoreClient = {
  reach: refusing,
  validPath: refusing,
  collectGarbage: refusing,
  verify: refusing,
};
const running = { type: "process", id: "guix-daemon#0.1", pid: 1, start: 1, command: [] } as const;

/** The actions over a store, and what became of them. */
function actionsOver(store: Partial<StoreClient> = {}) {
  const said: string[] = [];
  const restarts: Overrides[] = [];
  let overrides: Overrides = {};
  const actions = guixDaemonActions({
    socket: "/run/test.socket",
    store: { ...idle, ...store },
    overrides: () => overrides,
    override: (changed) => {
      overrides = changed;
    },
    restart: async () => {
      restarts.push(overrides);
      return true;
    },
  });
  return {
    said,
    restarts,
    /** Calls an action as `herd` does; with `false` where the service does not run. */
    async call(
      name: string,
      words: readonly string[],
      value: typeof running | false = running,
    ): Promise<unknown> {
      const { log } = console;
      console.log = (line: string) => said.push(line);
      try {
        return await actions.find((action) => action.name === name)?.procedure(value, ...words);
      } finally {
        console.log = log;
      }
    },
  };
}

describe("set-http-proxy", () => {
  it("sets a proxy, clears it, and restarts each time", async () => {
    const { call, said, restarts } = actionsOver();
    assert.equal(await call("set-http-proxy", ["http://localhost:8118"]), true);
    assert.equal(await call("set-http-proxy", []), true);
    assert.deepEqual(restarts, [{ proxy: "http://localhost:8118" }, { proxy: false }]);
    assert.deepEqual(said, [
      "Changing the HTTP(S) proxy of 'guix-daemon' to \"http://localhost:8118\"...",
      "Clearing the HTTP(S) proxy of 'guix-daemon'...",
    ]);
  });

  it("shows no password, neither of what it takes nor of what it refuses", async () => {
    const { call, said } = actionsOver();
    await call("set-http-proxy", ["http://me:hunter2@proxy:1"]);
    await assert.rejects(call("set-http-proxy", ["ftp://me:hunter2@proxy:1"]), {
      message: /expected a URI of scheme http or https.*got "ftp:\/\/\*\*\*@proxy:1"/,
    });
    assert.ok(!said.join().includes("hunter2"));
  });

  it("refuses what is no proxy", async () => {
    const { call, restarts } = actionsOver();
    for (const words of [["proxy:3128"], ["http://a:99999"], ["http://a", "http://b"]])
      await assert.rejects(call("set-http-proxy", words), /^Error: set-http-proxy: expected/);
    assert.deepEqual(restarts, []);
  });
});

describe("discover", () => {
  it("is on or off, and leaves the proxy as it is", async () => {
    const { call, restarts } = actionsOver();
    await call("set-http-proxy", ["http://a"]);
    await call("discover", ["on"]);
    await call("discover", ["off"]);
    assert.deepEqual(restarts.slice(1), [
      { proxy: "http://a", discover: true },
      { proxy: "http://a", discover: false },
    ]);
  });

  it("is nothing else", async () => {
    const { call } = actionsOver();
    for (const words of [[], ["yes"], ["on", "off"]])
      await assert.rejects(call("discover", words), /^Error: discover: expected "on" or "off"$/);
  });
});

describe("valid-path", () => {
  it("tells of each path, and succeeds where all are valid", async () => {
    const { call, said } = actionsOver({
      validPath: async (socket, path) => socket === "/run/test.socket" && path.endsWith("good"),
    });
    assert.equal(await call("valid-path", ["/gnu/store/good"]), true);
    assert.equal(await call("valid-path", ["/gnu/store/bad", "/gnu/store/good"]), false);
    assert.deepEqual(said, [
      "/gnu/store/good is valid.",
      "/gnu/store/bad is not valid.",
      "/gnu/store/good is valid.",
    ]);
  });

  it("passes on what the daemon says", async () => {
    const { call } = actionsOver({
      validPath: () => Promise.reject(new Error("path `/x' is not in the store")),
    });
    await assert.rejects(call("valid-path", ["/x"]), /is not in the store/);
    await assert.rejects(call("valid-path", []), /expected at least one store path/);
  });
});

describe("gc", () => {
  it("collects all, or so many bytes", async () => {
    const asked: (number | undefined)[] = [];
    const { call, said } = actionsOver({
      collectGarbage: async (_socket, bytes) => {
        asked.push(bytes);
        return { items: 2, freed: 300 };
      },
    });
    assert.equal(await call("gc", []), true);
    assert.equal(await call("gc", ["1000"]), true);
    assert.deepEqual(asked, [undefined, 1000]);
    assert.equal(said[0], "2 store items deleted, 300 bytes freed.");
  });

  it("refuses what is no number of bytes", async () => {
    const { call } = actionsOver();
    for (const words of [["0"], ["-1"], ["2G"], ["1e3"], ["9".repeat(20)], ["1", "2"], [""]])
      await assert.rejects(call("gc", words), /^Error: gc: expected a number of bytes/);
  });
});

describe("verify", () => {
  it("asks for what it is told, and tells whether the store is well", async () => {
    const asked: unknown[] = [];
    const { call, said } = actionsOver({
      verify: async (_socket, ...what) => {
        asked.push(what);
        return asked.length < 3;
      },
    });
    assert.equal(await call("verify", []), true);
    assert.equal(await call("verify", ["contents"]), true);
    assert.equal(await call("verify", ["repair", "contents"]), false);
    assert.deepEqual(asked, [
      [false, false],
      [true, false],
      [true, true],
    ]);
    assert.deepEqual(said, ["The store is well.", "The store is well.", "The store has errors."]);
    await assert.rejects(
      call("verify", ["all"]),
      /verify: expected "contents", "repair", both or nothing, got "all"/,
    );
  });
});

it("what asks the store needs a daemon that runs", async () => {
  const { call } = actionsOver();
  for (const name of ["valid-path", "gc", "verify"])
    await assert.rejects(call(name, [], false), /^Error: guix-daemon is not running$/);
});

it("a restart starts again what was stopped with it, but for what is no more", async () => {
  const asked: string[] = [];
  setRuntime({
    ...idleRuntime,
    stopService: async (name) => {
      asked.push(`stop ${name}`);
      return ["job", "publisher", "guix-daemon"];
    },
    startService: async (name) => {
      asked.push(`start ${name}`);
      return true;
    },
    lookupService: (name) =>
      name === "job" ? undefined : { name, status: "stopped", enabled: true, value: undefined },
  });
  assert.equal(await restartGuixDaemon(), true);
  assert.deepEqual(asked, ["stop guix-daemon", "start guix-daemon", "start publisher"]);
});
