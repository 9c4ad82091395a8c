// What a daemon says of its work on the way to an answer, and the ports that it goes to.

import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { all, fakeDaemon, int, type Peer, str, word } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

describe("what the daemon says on the way", () => {
  /** Says `text` in pieces of `size` bytes, again and again, before each answer. */
  const talking =
    (text: Buffer, size: number, times = 1) =>
    async (peer: Peer): Promise<void> => {
      await peer.greet();
      while ((await peer.take(8)).length > 0) {
        await peer.takeString();
        for (let time = 0; time < times; time++)
          for (let at = 0; at < text.length; at += size)
            peer.send(word.next, str(text.subarray(at, at + size)));
        peer.send(word.last, int(1));
      }
    };

  it("comes whole where a character is divided, and readable where it is none", async (t) => {
    const text = Buffer.concat([Buffer.from("é😀\r\n"), Buffer.from([0xff, 0x41, 0xc3])]);
    for (const size of [1, 2, 3, 100]) {
      const { socket } = await fakeDaemon(t, talking(text, size));
      let log = "";
      const connection = await store.openConnection(socket, {
        buildOutputPort: (piece) => {
          log += piece;
        },
      });
      await store.validPath(connection, item);
      assert.equal(log, "é😀\r\n\ufffdA\ufffd");
      await store.closeConnection(connection);
    }
  });

  it("is not read faster than the port takes it", async (t) => {
    const text = Buffer.alloc(64 * 1024, "a line of a log\n");
    const message = all(word.next, str(text));
    let said = 0;
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      await peer.take(8);
      await peer.takeString();
      for (let time = 0; time < 800; time++) {
        await new Promise((resolve) => peer.socket.write(message, resolve));
        said += text.length;
      }
      peer.send(word.last, int(1));
    });
    let release = (): void => {};
    let length = 0;
    const connection = await store.openConnection(socket, {
      buildOutputPort: (piece) => {
        length += piece.length;
        if (length > text.length) return;
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    const answer = store.validPath(connection, item);
    await waitFor("the port holds the first piece", () => length === text.length);
    // Long enough to say it all several times.
    await delay(500);
    assert.equal(length, text.length);
    assert.ok(said < 12 * text.length, `${said} bytes were read`);
    release();
    assert.equal(await answer, true);
    assert.equal(length, 800 * text.length);
    await store.closeConnection(connection);
  });

  it("goes to a stream as fast as that takes it, and nowhere when it has ended", async (t) => {
    const { socket } = await fakeDaemon(t, talking(Buffer.from("a line\n"), 3, 500));
    const slow = new PassThrough({ highWaterMark: 10 });
    const connection = await store.openConnection(socket, { buildOutputPort: slow });
    const answer = store.validPath(connection, item);
    let read = "";
    slow.setEncoding("utf8").on("data", (text: string) => {
      read += text;
    });
    assert.equal(await answer, true);
    await waitFor("all is read", () => read === "a line\n".repeat(500));
    slow.destroy();
    assert.equal(await store.validPath(connection, item), true);
    await store.closeConnection(connection);
  });

  it("ends the connection where the port throws", async (t) => {
    const { socket, peers } = await fakeDaemon(t, talking(Buffer.from("x"), 1));
    const ports: readonly store.BuildOutputPort[] = [
      () => {
        throw new Error("no paper");
      },
      () => Promise.reject(new Error("no paper")),
    ];
    for (const buildOutputPort of ports) {
      const connection = await store.openConnection(socket, { buildOutputPort });
      await assert.rejects(store.validPath(connection, item), { message: "no paper" });
      assert.equal(connection.closed, true);
      await peers.at(-1)?.closed();
    }
  });

  it("is not waited for where a stream ends that has not taken it", async (t) => {
    const { socket } = await fakeDaemon(t, talking(Buffer.alloc(1000, "x"), 100, 10));
    for (const problem of [undefined, new Error("no paper")]) {
      const stuck = new Writable({ highWaterMark: 1, write: () => {} });
      const connection = await store.openConnection(socket, { buildOutputPort: stuck });
      const answer = store.validPath(connection, item);
      await waitFor("the stream is full", () => stuck.writableLength > 0);
      stuck.destroy(problem);
      assert.equal(await answer, true);
      await store.closeConnection(connection);
    }
  });

  it("is not waited for where a stream never takes it, once the connection is closed", async (t) => {
    const { socket, peers } = await fakeDaemon(t, talking(Buffer.alloc(1000, "x"), 100, 10));
    const stuck = new Writable({ highWaterMark: 1, write: () => {} });
    const connection = await store.openConnection(socket, { buildOutputPort: stuck });
    const answer = assert.rejects(store.validPath(connection, item), { code: "EBADF" });
    await waitFor("the stream is full", () => stuck.writableLength > 0);
    await store.closeConnection(connection);
    await answer;
    await peers[0]?.closed();
  });
});
