// The life of a connection: one request after the other, in one piece each, and its end.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { describe, it, test } from "node:test";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { all, failure, fakeDaemon, int, type Peer, str, truthful, word } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

describe("requests", () => {
  it("wait for those before them, in the order in which they were made", async (t) => {
    const order: string[] = [];
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (let count = 0; count < 200; count++) {
        await peer.takeInt();
        order.push(await peer.takeString());
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(peer.pending, 0);
        peer.send(word.last, int(count % 2));
      }
    });
    const connection = await store.openConnection(socket);
    const paths = Array.from({ length: 200 }, (_, index) => `/gnu/store/${index}`);
    const answers = await Promise.all(paths.map((path) => store.validPath(connection, path)));
    assert.deepEqual(order, paths);
    assert.deepEqual(
      answers,
      paths.map((_, index) => index % 2 === 1),
    );
    await store.closeConnection(connection);
  });

  it("of one kind that wait together are one, with an answer for each", async (t) => {
    const path = (index: number): string => store.textPath("/gnu/store", `${index}`, "");
    const asked: string[][] = [];
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (let operation = await peer.take(8); operation.length > 0; operation = await peer.take(8)) {
        const count = operation[0] === 31 ? await peer.takeInt() : 1;
        const paths: string[] = [];
        while (paths.length < count) paths.push(await peer.takeString());
        asked.push(paths);
        const valid = paths.filter((name) => /[02468]$/.test(name));
        if (operation[0] === 31) peer.send(word.last, int(valid.length), ...valid.map((name) => str(name)));
        else peer.send(word.last, int(valid.length));
      }
    });
    const connection = await store.openConnection(socket, { storeDirectory: "/gnu/store" });
    const paths = [
      ...Array.from({ length: 1500 }, (_, index) => path(index)),
      "/gnu/store/none",
      path(4),
      path(5),
      path(4),
    ];
    const answers = await Promise.all(paths.map((name) => store.validPath(connection, name)));
    assert.deepEqual(
      answers,
      paths.map((name) => /[02468]$/.test(name)),
    );
    assert.deepEqual(
      asked.map(({ length }) => length),
      [1, 1000, 499, 1, 3],
    );
    assert.deepEqual(asked.flat(), paths);
    assert.equal(await store.validPath(connection, path(6)), true);
    await store.closeConnection(connection);
  });

  it("that are one fail as one", async (t) => {
    const path = (index: number): string => store.textPath("/gnu/store", `${index}`, "");
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      while ((await peer.take(8))[0] === 1) {
        await peer.takeString();
        peer.send(word.last, int(1));
      }
      peer.send(failure("the database is busy", 1));
    });
    const connection = await store.openConnection(socket, { storeDirectory: "/gnu/store" });
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((n) => store.validPath(connection, path(n))));
    assert.deepEqual(
      outcomes.map((outcome) =>
        outcome.status === "fulfilled" ? outcome.value : (outcome.reason as Error).message,
      ),
      [true, ...Array.from({ length: 3 }, () => "the database is busy")],
    );
    await store.closeConnection(connection);
  });

  it("are sent in one piece each", async (t) => {
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (;;) {
        if ((await peer.take(8)).length === 0) return;
        const name = await peer.takeString();
        await peer.takeString();
        for (let left = await peer.takeInt(); left > 0; left--) await peer.takeString();
        const path = store.textPath("/gnu/store", name, "x".repeat(100_000), [item]);
        peer.send(word.last, str(path));
      }
    });
    const pieces: number[] = [];
    const connection = await store.openConnection(undefined, { port: counting(socket, pieces) });
    const opened = pieces.length;
    for (const name of ["a", "b", "c"])
      await store.addTextToStore(connection, name, "x".repeat(100_000), [item]);
    assert.deepEqual(
      [opened, pieces.length],
      [2, 5],
      "two pieces for the handshake, and one for each request",
    );
    // The rest of what is said is not understood there: what counts is in how many pieces it comes.
    const small = store.addFileTreeToStore(connection, "d", { type: "regular", contents: "small" });
    small.catch(() => {});
    await waitFor("it is sent", () => pieces.length > 5);
    assert.deepEqual([pieces.length, (pieces[5] ?? 0) > 128], [6, true]);
    await store.closeConnection(connection);
  });

  it("for text that was added are made once, until garbage is collected", async (t) => {
    const asked: number[] = [];
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (;;) {
        const operation = await peer.takeInt();
        asked.push(operation);
        if (operation === 8) {
          const name = await peer.takeString();
          const text = await peer.takeString();
          await peer.takeInt();
          peer.send(word.last, str(store.textPath("/gnu/store", name, text)));
        } else {
          await peer.take(7 * 8);
          peer.send(word.last, int(0), int(0), int(0));
        }
      }
    });
    const connection = await store.openConnection(socket, { storeDirectory: "/gnu/store" });
    const add = (): Promise<string> => store.addTextToStore(connection, "n", "t");
    assert.equal(await add(), await add());
    await store.deadPaths(connection);
    await add();
    assert.deepEqual(asked, [8, 20]);
    await store.collectGarbage(connection);
    await add();
    assert.deepEqual(asked, [8, 20, 20, 8]);
    await store.closeConnection(connection);
  });
});

/** A stream to a daemon that notes how many bytes are written at a time. */
function counting(socket: string, pieces: number[]): Duplex {
  const inner = connect(socket);
  const outer = new Duplex({
    read: () => {},
    write: (data: Buffer, _encoding, done) => {
      pieces.push(data.length);
      inner.write(data, () => done());
    },
    destroy: (error, done) => {
      inner.destroy();
      done(error);
    },
  });
  inner.on("data", (data: Buffer) => outer.push(data));
  inner.on("end", () => outer.push(null));
  inner.on("error", () => {});
  return outer;
}

describe("the end of a connection", () => {
  const silent = async (peer: Peer): Promise<void> => peer.greet();

  it("fails what is asked and what waits, and everything later", async (t) => {
    const { socket, peers } = await fakeDaemon(t, silent);
    const connection = await store.openConnection(socket);
    const requests = [1, 2, 3].map(() =>
      assert.rejects(store.validPath(connection, item), {
        name: "StoreConnectionError",
        code: "EBADF",
        message: `the daemon at ${socket}: the connection is closed`,
      }),
    );
    await store.closeConnection(connection);
    await Promise.all(requests);
    assert.equal(connection.closed, true);
    await store.closeConnection(connection);
    await assert.rejects(store.validPath(connection, item), { code: "EBADF", file: socket });
    await peers[0]?.closed();
  });

  it("comes with the end of a block, and of withStore", async (t) => {
    const { socket, peers } = await fakeDaemon(t, truthful);
    {
      await using connection = await store.openConnection(socket);
      assert.equal(await store.validPath(connection, item), true);
    }
    await peers[0]?.closed();
    const answer = await store.withStore((connection) => store.validPath(connection, item), socket);
    assert.equal(answer, true);
    await peers[1]?.closed();
    await assert.rejects(
      store.withStore(() => {
        throw new Error("of the body");
      }, socket),
      { message: "of the body" },
    );
    await peers[2]?.closed();
  });

  it("comes with a signal, which is not held on to", async (t) => {
    const { socket, peers } = await fakeDaemon(t, silent);
    const controller = new AbortController();
    const { signal } = controller;
    const counts = { added: 0, removed: 0 };
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      counts.added++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      counts.removed++;
      removeEventListener.apply(signal, args);
    };
    await store.closeConnection(await store.openConnection(socket, { signal }));
    assert.equal(counts.removed, counts.added);
    const connection = await store.openConnection(socket, { signal });
    const answer = assert.rejects(store.validPath(connection, item), {
      code: "ECANCELED",
      message: /the connection was closed by a signal/,
    });
    controller.abort();
    await answer;
    await peers[1]?.closed();
  });
});

test("a stream that is open already is a way to a daemon, and is closed with the connection", async (t) => {
  const { socket, peers } = await fakeDaemon(t, truthful);
  const port = connect(socket);
  const connection = await store.openConnection(undefined, { port });
  assert.equal(await store.validPath(connection, item), true);
  await store.closeConnection(connection);
  assert.equal(port.destroyed, true);
  await peers[0]?.closed();
  const ended = new PassThrough();
  ended.destroy();
  await assert.rejects(store.openConnection(undefined, { port: ended }), {
    name: "StoreConnectionError",
    code: "EPROTO",
  });
});

test("modes other than normal need a daemon that has them", async (t) => {
  const { socket } = await fakeDaemon(t, async (peer) => {
    await peer.greet(0x10e);
    await peer.take(8);
    const things = await peer.takeInt();
    await peer.takeString();
    assert.equal(things, 1);
    assert.equal(peer.pending, 0);
    peer.send(word.last, int(1));
  });
  const connection = await store.openConnection(socket);
  await assert.rejects(store.buildThings(connection, [item], "repair"), {
    name: "StoreProtocolError",
    message: "unsupported build mode",
    status: 1,
  });
  assert.equal(await store.buildThings(connection, [item]), true);
  await store.closeConnection(connection);
});

test("what only newer daemons of Guix tell is asked of these alone", async (t) => {
  for (const [version, expected] of [
    [0x163, undefined],
    [0x164, ["https://a.example", "https://b.example"]],
  ] as const) {
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet(version);
      if ((await peer.take(8)).length === 0) return;
      peer.send(word.last, all(int(2), str("https://a.example"), str("https://b.example")));
    });
    const connection = await store.openConnection(socket);
    assert.deepEqual(await store.substituteUrls(connection), expected);
    await store.closeConnection(connection);
  }
});
