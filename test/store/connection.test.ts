// The life of a connection: one request after the other, in one piece each; what is said on the way; its end; and arguments
// that are wrong.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { Duplex, PassThrough, Writable } from "node:stream";
import { describe, it, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DefinitionError } from "../../src/daemon/definition/check.js";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { all, failure, fakeDaemon, int, type Peer, str, word } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

/** A daemon that answers every `validPath` with true. */
async function truthful(peer: Peer): Promise<void> {
  await peer.greet();
  while ((await peer.take(8)).length > 0) {
    await peer.takeString();
    assert.equal(peer.pending, 0, "nothing comes before the answer");
    peer.send(word.last, int(1));
  }
}

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

/** Deliberately of the wrong type. */
const wrong = <T>(value: unknown): T => value as T;

test("wrong arguments are told by function and name, and leave the connection as it is", async (t) => {
  const { socket } = await fakeDaemon(t, truthful);
  const c = await store.openConnection(socket);
  const open = (options: object): Promise<unknown> => store.openConnection(socket, options);
  const table: readonly (readonly [() => Promise<unknown>, string | RegExp])[] = [
    [
      () => store.validPath(c, "relative"),
      'validPath: argument "path": expected an absolute file name, got "relative"',
    ],
    [() => store.validPath(c, wrong(1)), /validPath: argument "path": expected an absolute file name, got 1/],
    [() => store.validPath(c, "/a\0b"), /argument "path": expected an absolute/],
    [() => store.validPath(wrong({}), item), "validPath: expected a store connection, got {}"],
    [() => store.validPath(wrong(undefined), item), /expected a store connection, got undefined/],
    [() => store.addTextToStore(c, "", "x"), /addTextToStore: argument "name": expected a name that/],
    [() => store.addTextToStore(c, "x", wrong(1)), /argument "text": expected a string or bytes, got 1/],
    [() => store.addTextToStore(c, "x", "x", ["y"]), /argument "references": expected a list of absolute/],
    [() => store.addToStore(c, "x", true, wrong("sha3"), "/x"), /"algorithm": expected one of md5, sha1, s/],
    [() => store.addToStore(c, "x", wrong(1), "md5", "/x"), /"recursive": expected true or false, got 1/],
    [() => store.buildDerivations(c, wrong(item)), /"derivations": expected a list of derivations/],
    [() => store.buildDerivations(c, ["x.drv"]), /expected a list of derivations, got \[ 'x.drv' \]/],
    [() => store.buildDerivations(c, [[item, "a,b"]]), /expected a list of derivations/],
    [() => store.buildDerivations(c, [item], wrong("fix")), /"mode": expected one of normal, repair, check/],
    [() => store.collectGarbage(c, -1), /"minFreed": expected a whole number of bytes/],
    [() => store.collectGarbage(c, 0.5), /"minFreed"/],
    [() => store.deletePaths(c, ["x"]), /deletePaths: argument "paths"/],
    [() => store.hashPartToPath(c, "abc"), /"part": expected 32 characters of base 32, got "abc"/],
    [() => store.exportPaths(c, [item], wrong({})), /"sink": expected a Writable, or a function that takes/],
    [() => store.importPaths(c, wrong(1)), /"source": expected bytes, or what gives them in pieces, got 1/],
    [
      () => store.setBuildOptions(c, wrong({ timeuot: 1 })),
      /unknown field "timeuot"; did you mean "timeout"/,
    ],
    [() => store.setBuildOptions(c, { timeout: -1 }), /field "timeout": expected a whole number, 0 or more/],
    [() => store.setBuildOptions(c, { timeout: 2 ** 32 }), /field "timeout"/],
    [
      () => store.setBuildOptions(c, { substituteUrls: ["a b"] }),
      /"substituteUrls": expected a list of URLs/,
    ],
    [() => store.verifyStore(c, { repair: wrong("yes") }), /"repair": expected true or false, got "yes"/],
    [() => store.derivation(c, "a b", "/bin/sh"), /derivation: argument "name": expected a name of letters/],
    [() => store.derivation(c, "a", ""), /argument "builder"/],
    [() => store.derivation(c, "a", "/bin/sh", wrong("x")), /argument "args": expected a list of strings/],
    [() => store.derivation(c, "a", "b", [], { outputs: [] }), /"outputs": expected a list of at least one/],
    [() => store.derivation(c, "a", "b", [], { outputs: ["a", "a"] }), /"outputs": one of them occurs twice/],
    [() => store.derivation(c, "a", "b", [], { hash: "abcd" }), /"hash": expected the 32 bytes of a sha256/],
    [
      () => store.derivation(c, "a", "b", [], { hash: "a".repeat(64), outputs: ["x"] }),
      /one output is "out"/,
    ],
    [() => store.derivation(c, "a", "b", [], { inputs: [wrong({ fileName: item })] }), /"inputs": expected/],
    [
      () => open({ reserveSpac: true }),
      /openConnection: unknown field "reserveSpac"; did you mean "reserveS/,
    ],
    [() => open({ reserveSpace: 1 }), /openConnection: field "reserveSpace": expected true or false, got 1/],
    [() => open({ cpuAffinity: -1 }), /field "cpuAffinity": expected the number of a CPU, got -1/],
    [() => open({ connectTimeout: 0 }), /field "connectTimeout": expected a number of seconds .*, and not 0/],
    [() => open({ idleTimeout: "1" }), /field "idleTimeout"/],
    [() => open({ buildOutputPort: {} }), /field "buildOutputPort": expected a Writable, or a function/],
    [() => open({ storeDirectory: "/gnu/store/" }), /field "storeDirectory": .* without a slash at its end/],
    [() => open({ signal: {} }), /field "signal": expected an AbortSignal/],
    [() => open({ port: {} }), /field "port": expected a stream of bytes that is open both/],
    [() => open({ port: new PassThrough({ encoding: "utf8" }) }), /field "port"/],
    [() => open({ port: new PassThrough() }), /both argument "uri" and field "port" are given/],
    [() => open({ ssh: { comand: "x" } }), /field "ssh": unknown field "comand"; did you mean "command"/],
    [() => open({ ssh: { arguments: "-v" } }), /field "ssh": field "arguments": expected a list of strings/],
    [
      () => store.openConnection(wrong(7)),
      /openConnection: argument "uri": expected the name of a file, got 7/,
    ],
  ];
  for (const [call, message] of table)
    await assert.rejects(call(), (error: Error) => {
      assert.ok(error instanceof DefinitionError, `${message}: ${error}`);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    });
  assert.throws(() => store.currentBuildOutputPort.set(wrong(1)), DefinitionError);
  assert.equal(await store.validPath(c, item), true);
  await store.closeConnection(c);
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
