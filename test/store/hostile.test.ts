// Daemons that stop, that end early, or that say what the protocol has not: a typed error, soon, and nothing left of the
// connection.

import assert from "node:assert/strict";
import { describe, it, type TestContext, test } from "node:test";
import * as store from "../../src/store/index.js";
import type { FileTree } from "../../src/store/nar.js";
import { waitFor } from "../support/wait.js";
import {
  all,
  type FakeDaemon,
  failure,
  fakeDaemon,
  int,
  leavingNothing,
  type Peer,
  str,
  word,
} from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

/** A daemon that answers each request with what `answer` gives, and closes then if it is to. */
async function answering(
  t: TestContext,
  answer: Buffer | (() => Buffer),
  { ends = false } = {},
): Promise<FakeDaemon> {
  return fakeDaemon(t, async (peer: Peer) => {
    await peer.greet();
    while ((await peer.take(requestLength)).length > 0) {
      const said = typeof answer === "function" ? answer() : answer;
      if (ends) peer.socket.end(said);
      else peer.send(said);
    }
  });
}

/** Bytes of `validPath` for `item`. */
const requestLength = 8 + str(item).length;

const open = (daemon: FakeDaemon, options: store.ConnectionOptions = {}): Promise<store.StoreConnection> =>
  store.openConnection(daemon.socket, { idleTimeout: 20, ...options });

describe("answers that are none", () => {
  const good = all(word.next, str("a log"), word.last, int(1));
  const table: Readonly<Record<string, readonly [Buffer, RegExp, number?]>> = {
    "a message of no type": [int(0x1234), /validPath: the type of a message, .*error code: 0x1234/, 0x1234],
    "a word of more than 32 bits": [int(2 ** 33), /the type of a message, at byte 0: 0x200000000 has more/],
    "text that is too large": [all(word.next, int(2 ** 31)), /log text: the text, at byte 0: 2147483648 b/],
    "text that is padded with something": [all(word.next, int(1), Buffer.from("abcdefgh")), /padding is not/],
    "an error that is too large": [all(word.error, int(2 ** 21)), /error: the message, at byte 0: 2097152/],
    "a demand for data": [all(word.read, int(100)), /demand for data: .*the request brings no data/],
    data: [all(word.write, str("x")), /validPath: data: .*the request asks for none/],
    "an activity of Nix's": [int(0x53545254), /invalid error code: 0x53545254/, 0x53545254],
  };
  for (const [name, [answer, message, status = 1]] of Object.entries(table))
    it(name, async (t) => {
      const daemon = await answering(t, answer);
      const connection = await open(daemon, { buildOutputPort: () => {} });
      await assert.rejects(store.validPath(connection, item), (error: unknown) => {
        assert.ok(error instanceof store.StoreProtocolError);
        assert.equal(error.name, "StoreProtocolError");
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(connection.peer));
        assert.equal(error.status, status);
        return true;
      });
      assert.equal(connection.closed, true);
      await assert.rejects(store.validPath(connection, item), {
        name: "StoreConnectionError",
        code: "EPROTO",
        message: /the connection was closed, since what the daemon sent was not its protocol/,
      });
      await daemon.peers[0]?.closed();
    });

  it("an answer that ends anywhere", async (t) => {
    let length = 0;
    const daemon = await answering(t, () => good.subarray(0, length), { ends: true });
    await leavingNothing(async () => {
      for (; length < good.length; length++) {
        const connection = await open(daemon, { buildOutputPort: () => {} });
        await assert.rejects(
          store.validPath(connection, item),
          length === 0
            ? { name: "StoreConnectionError", message: /the daemon closed the connection$/ }
            : { name: "StoreProtocolError", message: /the connection ended before it was whole/ },
        );
        await assert.rejects(store.validPath(connection, item), { name: "StoreConnectionError" });
      }
    });
  });

  it("a daemon that stops anywhere", async (t) => {
    let length = 0;
    const daemon = await answering(t, () => good.subarray(0, length));
    await leavingNothing(async () => {
      for (length of [0, 5, 8, 20, 31, 39]) {
        const connection = await open(daemon, { idleTimeout: 0.05, buildOutputPort: () => {} });
        await assert.rejects(store.validPath(connection, item), {
          name: "StoreConnectionError",
          code: "ETIMEDOUT",
          message: /no answer to validPath for 0.05 seconds/,
        });
      }
    });
  });

  it("more than an answer", async (t) => {
    const daemon = await answering(t, all(word.last, int(1), int(0)));
    const connection = await open(daemon);
    assert.equal(await store.validPath(connection, item), true);
    assert.equal(connection.closed, true);
    await assert.rejects(store.validPath(connection, item), {
      message: /something that nobody had asked for/,
    });
  });

  it("something that nobody asked for", async (t) => {
    const daemon = await answering(t, Buffer.alloc(0));
    const connection = await open(daemon);
    daemon.peers[0]?.send(int(1));
    await waitFor("the connection is closed", () => connection.closed);
    await assert.rejects(store.validPath(connection, item), { code: "EPROTO" });
  });
});

describe("errors of the daemon", () => {
  const error = failure("path `/x' is not valid", 1);

  it("leave the connection open", async (t) => {
    const daemon = await answering(t, error);
    const connection = await open(daemon);
    for (let time = 0; time < 3; time++)
      await assert.rejects(store.validPath(connection, item), {
        name: "StoreProtocolError",
        message: "path `/x' is not valid",
        status: 1,
      });
    assert.equal(connection.closed, false);
    await store.closeConnection(connection);
  });

  for (const [name, answer, ends] of [
    ["an end after one", error, true],
    ["an error that comes twice, as Nix's daemons send some", all(error, error), false],
  ] as const)
    it(`${name} is told to the next request`, async (t) => {
      const daemon = await answering(t, answer, { ends });
      const connection = await open(daemon);
      await assert.rejects(store.validPath(connection, item), { name: "StoreProtocolError" });
      await assert.rejects(store.validPath(connection, item), (later: unknown) => {
        assert.ok(later instanceof store.StoreConnectionError);
        assert.match(later.message, /closed the connection after its error: path `\/x' is not valid/);
        assert.ok(later.cause instanceof store.StoreProtocolError);
        return true;
      });
      await daemon.peers[0]?.closed();
    });

  it("are not what a connection ended for where an answer has come since", async (t) => {
    const answers = [error, all(word.last, int(1))];
    const daemon = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      for (const answer of answers) {
        await peer.take(requestLength);
        peer.send(answer);
      }
      await peer.take(requestLength);
      peer.socket.end();
    });
    const connection = await open(daemon);
    await assert.rejects(store.validPath(connection, item), { name: "StoreProtocolError" });
    assert.equal(await store.validPath(connection, item), true);
    await assert.rejects(store.validPath(connection, item), {
      name: "StoreConnectionError",
      message: `${connection.peer}: the daemon closed the connection`,
    });
  });

  it("without colours, and without the word that they begin with then", async (t) => {
    for (const [said, message] of [
      ["\x1b[31;1merror:\x1b[0m path '\x1b[35;1m/x\x1b[0m' is wrong", "path '/x' is wrong"],
      ["error: it is wrong", "error: it is wrong"],
    ] as const) {
      const connection = await open(await answering(t, failure(said, 1)));
      await assert.rejects(store.validPath(connection, item), { message });
      await store.closeConnection(connection);
    }
  });
});

test("a daemon that is gone fails all that wait", async (t) => {
  const daemon = await answering(t, Buffer.alloc(0), { ends: true });
  const connection = await open(daemon);
  const requests = Array.from({ length: 20_000 }, () => store.validPath(connection, item));
  const outcomes = await Promise.allSettled(requests);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.ok(outcome.reason instanceof store.StoreConnectionError);
  }
});

describe("data for the daemon", () => {
  it("is not sent to its end where the daemon answers before", async (t) => {
    const daemon = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      await peer.take(1000);
      peer.send(failure("no space left", 1));
    });
    const connection = await open(daemon);
    const contents = Buffer.alloc(32 * 1024 ** 2);
    await assert.rejects(store.addFileTreeToStore(connection, "large", { type: "regular", contents }), {
      name: "StoreProtocolError",
      message: "no space left",
    });
    assert.equal(connection.closed, true);
    await daemon.peers[0]?.closed();
    await assert.rejects(store.validPath(connection, item), {
      message: /answered addFileTreeToStore before all was sent/,
    });
  });

  it("is not even read where the daemon answers before", async (t) => {
    const daemon = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      await peer.take(1000);
      peer.send(failure("no space left", 1));
    });
    const connection = await open(daemon);
    let read = 0;
    const deep = (): FileTree => ({
      type: "directory",
      get entries() {
        read++;
        return { contents: { type: "regular", contents: Buffer.alloc(1024 ** 2) } as const };
      },
    });
    const entries = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}`, deep()]));
    await assert.rejects(store.addFileTreeToStore(connection, "large", { type: "directory", entries }), {
      message: "no space left",
    });
    for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(read < 10, `${read} directories were read`);
  });

  it("can fail before any of it was sent, and nothing is lost then", async (t) => {
    const connection = await open(await answering(t, all(word.last, int(1))));
    const adding = store.addFileTreeToStore(connection, "bad", {
      type: "directory",
      entries: { "a/b": { type: "symlink", target: "" } },
    });
    const after = store.validPath(connection, item);
    await assert.rejects(adding, { message: /"a\/b" cannot be the name of a file/ });
    assert.equal(await after, true);
    await store.closeConnection(connection);
  });

  it("ends the connection where the rest of it cannot be had", async (t) => {
    const daemon = await answering(t, Buffer.alloc(0));
    const connection = await open(daemon);
    const adding = store.addFileTreeToStore(connection, "bad", {
      type: "directory",
      entries: {
        a: { type: "regular", contents: Buffer.alloc(200_000) },
        b: { type: "directory", entries: { "c/": { type: "symlink", target: "" } } },
      },
    });
    await assert.rejects(adding, { message: /"c\/" cannot be the name of a file/ });
    await assert.rejects(store.validPath(connection, item), {
      message: /the connection was closed, since addFileTreeToStore could not be sent whole/,
    });
    await daemon.peers[0]?.closed();
  });

  it("does not wait for ever for a daemon that reads nothing", async (t) => {
    const daemon = await fakeDaemon(t, async (peer) => {
      await peer.greet();
      await peer.take(100);
      peer.socket.pause();
    });
    const connection = await open(daemon, { idleTimeout: 0.1 });
    const contents = Buffer.alloc(32 * 1024 ** 2);
    await leavingNothing(() =>
      assert.rejects(store.addFileTreeToStore(connection, "large", { type: "regular", contents }), {
        code: "ETIMEDOUT",
      }),
    );
  });
});
