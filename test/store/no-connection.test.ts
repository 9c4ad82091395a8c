// Daemons that are not reached, are none, stop or end before there is a connection: a typed error, soon, and nothing left.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import dns from "node:dns/promises";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { connect, createServer, Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as store from "../../src/store/index.js";
import { freePorts } from "../support/ports.js";
import { waitFor } from "../support/wait.js";
import { all, failure, fakeDaemon, int, leavingNothing, str, word } from "./fake-daemon.js";

const hello = [int(0x6478696f), int(0x163), word.last] as const;

const withoutPython = spawnSync("python3", ["--version"]).status === 0 ? false : "needs python3";

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
