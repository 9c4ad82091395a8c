// Daemons that are none, that stop, that end early, or that say what the protocol has not: a typed error, soon, and nothing
// left of the connection.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import dns from "node:dns/promises";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext, test } from "node:test";
import * as store from "../../src/store/index.js";
import type { FileTree } from "../../src/store/nar.js";
import { freePorts } from "../support/ports.js";
import { waitFor } from "../support/wait.js";
import { all, type FakeDaemon, failure, fakeDaemon, int, type Peer, str, word } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";
const hello = [int(0x6478696f), int(0x163), word.last] as const;

const withoutPython = spawnSync("python3", ["--version"]).status === 0 ? false : "needs python3";

const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Runs `body`; afterwards this process has no more open than before. */
async function leavingNothing(body: () => Promise<void>): Promise<void> {
  const before = descriptors();
  await body();
  await waitFor("nothing is left open", () => descriptors() <= before);
}

function rejectsToConnect(
  uri: string,
  expected: { readonly code: string; readonly message: RegExp; readonly file?: string },
  options: store.ConnectionOptions = {},
): Promise<void> {
  return assert.rejects(store.openConnection(uri, options), (error: unknown) => {
    assert.ok(
      error instanceof store.StoreConnectionError && error instanceof store.StoreError,
      String(error),
    );
    assert.equal(error.name, "StoreConnectionError");
    assert.equal(error.code, expected.code, error.message);
    assert.equal(error.file, expected.file ?? uri);
    assert.match(error.message, expected.message);
    return true;
  });
}

describe("no connection", () => {
  it("where nobody listens", async (t) => {
    const { socket } = await fakeDaemon(t, () => {});
    await rejectsToConnect(`${socket}.none`, {
      code: "ENOENT",
      message: /^connect to the daemon at .*: ENOENT/,
    });
    const file = join(socket, "..", "file");
    writeFileSync(file, "");
    await rejectsToConnect(file, { code: "ECONNREFUSED", message: /ECONNREFUSED/ });
    const [port = 0] = await freePorts(1);
    await rejectsToConnect(`guix://127.0.0.1:${port}`, {
      code: "ECONNREFUSED",
      file: "127.0.0.1",
      message: new RegExp(`guix://127.0.0.1:${port}: ECONNREFUSED`),
    });
    await rejectsToConnect("guix://nowhere.invalid", {
      code: "ENOTFOUND",
      file: "nowhere.invalid",
      message: /./,
    });
  });

  const greetings: Readonly<Record<string, readonly [readonly Buffer[], RegExp]>> = {
    "another magic number": [[int(0x6e697863)], /the daemon's magic number, at byte 0: 0x6e697863 is not a/],
    "a web server": [[Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], /0x312e312f50545448 has more than/],
    "another version": [[int(0x6478696f), int(0x263)], /0x263 is not of the protocol 0x1xx/],
    "no message": [[int(0x6478696f), int(0x163), int(7)], /the type of a message, at byte 0: invalid error/],
  };
  for (const [name, [words, message]] of Object.entries(greetings))
    it(`where there is ${name}`, async (t) => {
      const { socket, peers } = await fakeDaemon(t, (peer) => peer.send(...words));
      await leavingNothing(() =>
        rejectsToConnect(socket, {
          code: "EPROTO",
          message: new RegExp(`build daemon handshake failed: .*${message.source}`),
        }),
      );
      await peers[0]?.closed();
    });

  it("where the daemon ends before it has answered", async (t) => {
    const whole = Buffer.concat(hello);
    for (let length = 0; length < whole.length; length++) {
      const { socket } = await fakeDaemon(t, (peer) => {
        peer.socket.end(whole.subarray(0, length));
      });
      await rejectsToConnect(socket, { code: "EPROTO", message: /build daemon handshake failed: / });
    }
  });

  it("where the daemon stops within its answer, or says nothing", async (t) => {
    const whole = Buffer.concat(hello);
    let length = 0;
    const { socket } = await fakeDaemon(t, (peer) => peer.send(whole.subarray(0, length)));
    await leavingNothing(async () => {
      for (length of [0, 3, 8, 12, 16, 20])
        await rejectsToConnect(
          socket,
          { code: "ETIMEDOUT", message: /^connect to the daemon at .*: no answer in 0.05 seconds$/ },
          { connectTimeout: 0.05 },
        );
    });
  });

  it("where the caller has changed its mind", async (t) => {
    const { socket, peers } = await fakeDaemon(t, () => {});
    const controller = new AbortController();
    const connecting = rejectsToConnect(
      socket,
      { code: "ECANCELED", message: /it was cancelled/ },
      { signal: controller.signal },
    );
    await waitFor("the client has said something", () => peers[0]?.pending === 8);
    controller.abort();
    await connecting;
    await peers[0]?.closed();
    await rejectsToConnect(socket, { code: "ECANCELED", message: /it was/ }, { signal: controller.signal });
  });

  it("tries every address of a host, and sends without delay", async (t) => {
    t.mock.method(dns, "lookup", async () => [
      { address: "127.0.0.2", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ]);
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const noDelay = t.mock.method(Socket.prototype, "setNoDelay");
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(Buffer.concat(hello));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const connection = await store.openConnection(`guix://farm.example:${address.port}`);
    assert.equal(connection.peer, `the daemon at guix://farm.example:${address.port}`);
    assert.deepEqual(
      noDelay.mock.calls.map(({ arguments: given }) => given),
      [[true]],
    );
    await store.closeConnection(connection);
  });

  it("where a host takes no connections", { skip: withoutPython }, async (t) => {
    // A queue for one that nobody empties: what comes when it is full is not answered at all.
    const script =
      "import socket, sys; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0); " +
      "print(s.getsockname()[1], flush=True); sys.stdin.read()";
    const child = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => child.stdin.end());
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const port = Number(line.toString());
    const full = connect(port, "127.0.0.1");
    t.after(() => full.destroy());
    await once(full, "connect");
    await leavingNothing(() =>
      rejectsToConnect(
        `guix://127.0.0.1:${port}`,
        { code: "ETIMEDOUT", file: "127.0.0.1", message: /: (no answer in 0.2 seconds|ETIMEDOUT)$/ },
        { connectTimeout: 0.2 },
      ),
    );
  });
});

describe("a daemon that cannot work", () => {
  const message = "`/var/guix/db/schema' is corrupt";
  for (const [name, said] of [
    ["with a status", failure(message, 1)],
    ["without one", all(word.error, str(message))],
  ] as const)
    it(`says so ${name}`, async (t) => {
      const { socket, peers } = await fakeDaemon(t, (peer) => {
        peer.socket.end(all(hello[0], hello[1], word.next, str("opening\n"), said));
      });
      let log = "";
      const opening = store.openConnection(socket, {
        buildOutputPort: (text) => {
          log += text;
        },
      });
      await assert.rejects(opening, { name: "StoreProtocolError", message, status: 1 });
      assert.equal(log, "opening\n");
      await peers[0]?.closed();
    });
});

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
