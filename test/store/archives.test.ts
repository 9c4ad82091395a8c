// Archives that are exported and imported, with daemons and streams that fail.

import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { fakeDaemon, int, str, word } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

test("a source that never gives anything does not hold up the end of a connection", async (t) => {
  const { socket, peers } = await fakeDaemon(t, async (peer) => {
    await peer.greet();
    await peer.take(8);
    peer.send(word.read, int(100));
  });
  const connection = await store.openConnection(socket);
  let asked = false;
  const stuck = async function* (): AsyncGenerator<Buffer> {
    asked = true;
    await new Promise(() => {});
    yield Buffer.alloc(0);
  };
  const importing = assert.rejects(store.importPaths(connection, stuck()), { code: "EBADF" });
  await waitFor("the source was asked", () => asked);
  await store.closeConnection(connection);
  await importing;
  await peers[0]?.closed();
});

test("an import ends with its source, and asks for no more than the daemon does", async (t) => {
  const received: Buffer[] = [];
  const { socket } = await fakeDaemon(t, async (peer) => {
    await peer.greet();
    await peer.take(8);
    for (const most of [3, 100, 2 ** 31]) {
      peer.send(word.read, int(most));
      const length = await peer.takeInt();
      assert.ok(length <= most);
      received.push((await peer.take(length + (-length & 7))).subarray(0, length));
    }
    peer.send(word.last, int(1), str(item));
  });
  const connection = await store.openConnection(socket);
  let returned = false;
  const pieces = async function* (): AsyncGenerator<Buffer> {
    try {
      yield Buffer.from("");
      yield Buffer.from("12345");
      yield Buffer.alloc(200_000, "x");
    } finally {
      returned = true;
    }
  };
  assert.deepEqual(await store.importPaths(connection, pieces()), [item]);
  assert.deepEqual(
    received.map((data) => data.toString()),
    ["123", "45", "x".repeat(65_536)],
  );
  await waitFor("the source is told", () => returned);
  await store.closeConnection(connection);
});

test("an archive for a stream that fails, or has ended, is none", async (t) => {
  const { socket } = await fakeDaemon(t, async (peer) => {
    await peer.greet();
    for (let operation = await peer.take(8); operation.length > 0; operation = await peer.take(8)) {
      await peer.takeString();
      if (operation[0] === 5) peer.send(word.last, int(0));
      else {
        await peer.takeInt();
        for (let piece = 0; piece < 10; piece++) peer.send(word.write, str(Buffer.alloc(1000)));
        peer.send(word.last, int(1));
      }
    }
  });
  const failing = new Writable({
    highWaterMark: 1,
    write: (data: Buffer, _encoding, done) =>
      setImmediate(() => done(data.length > 8 ? new Error("no room") : null)),
  });
  failing.on("error", () => {});
  const ended = new PassThrough();
  ended.end();
  for (const [sink, message] of [
    [failing, /no room/],
    [ended, /the stream for the archive has ended/],
  ] as const) {
    const connection = await store.openConnection(socket);
    await assert.rejects(store.exportPaths(connection, [item], sink), { message });
    await store.closeConnection(connection);
  }
});
