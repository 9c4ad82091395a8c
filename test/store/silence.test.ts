// How long a daemon may be silent, and the timers that see to it.

import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { failure, fakeDaemon, truthful } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

test("a connection's timers do not outlast it", async (t) => {
  const { socket } = await fakeDaemon(t, truthful);
  const pairs = (["Timeout", "Interval"] as const).map((kind) => ({
    set: t.mock.method(globalThis, `set${kind}`),
    clear: t.mock.method(globalThis, `clear${kind}`),
  }));
  const connection = await store.openConnection(socket);
  await store.validPath(connection, item);
  await store.closeConnection(connection);
  for (const { set, clear } of pairs) {
    const cleared: unknown[] = clear.mock.calls.map(({ arguments: [timer] }) => timer);
    assert.ok(set.mock.callCount() > 0);
    for (const { result } of set.mock.calls) assert.ok(cleared.includes(result));
  }
});

describe("the time that a daemon may be silent", () => {
  /** Eight of these are an hour, the time by default. */
  const look = 450_000;

  it("is an hour, but any for what may take longer, unless it is given", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const { socket, peers } = await fakeDaemon(t, (peer) => peer.greet());
    const connect = (options: store.ConnectionOptions = {}): Promise<store.StoreConnection> =>
      store.openConnection(socket, options);
    const connections = [await connect(), await connect(), await connect({ idleTimeout: 7200 })] as const;
    const requests = {
      quick: store.validPath(connections[0], item),
      long: store.buildThings(connections[1], [item]),
      given: store.buildThings(connections[2], [item]),
    };
    const outcomes: Record<string, string> = {};
    for (const [name, request] of Object.entries(requests))
      request.catch((error: store.StoreConnectionError) => {
        outcomes[name] = error.code;
      });
    await waitFor("all have asked", () => peers.every(({ pending }) => pending > 0));
    t.mock.timers.tick(8 * look);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(outcomes, {});
    t.mock.timers.tick(look);
    await waitFor("the first has failed", () => outcomes.quick === "ETIMEDOUT");
    assert.deepEqual(Object.keys(outcomes), ["quick"]);
    t.mock.timers.tick(30 * look);
    await waitFor("the last has failed", () => outcomes.given === "ETIMEDOUT");
    assert.deepEqual(Object.keys(outcomes), ["quick", "given"]);
    for (const connection of connections) await store.closeConnection(connection);
    assert.equal(outcomes.long, "EBADF");
  });

  it("begins anew whenever it takes some of what is sent", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const contents = Buffer.alloc(1024 ** 2);
    const entries = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`${index}`, { type: "regular", contents } as const]),
    );
    let taken = 0;
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (; taken < 28; taken++) {
        await peer.take(contents.length);
        // Less than it may be silent, each time.
        t.mock.timers.tick(5 * look);
      }
      peer.send(failure("enough", 1));
    });
    const connection = await store.openConnection(socket);
    const adding = store.addFileTreeToStore(connection, "large", { type: "directory", entries });
    await assert.rejects(adding, { name: "StoreProtocolError", message: "enough" });
    assert.equal(taken, 28);
    await store.closeConnection(connection);
  });
});
