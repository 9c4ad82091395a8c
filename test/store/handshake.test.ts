// Which versions are agreed on, and what the client says to daemons of each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { negotiate } from "../../src/store/handshake.js";
import { closeConnection, openConnection, queryPathInfo, setBuildOptions } from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { all, fakeDaemon, int, type Peer, str, word } from "./fake-daemon.js";

test("versions", () => {
  // The daemon's version; what is announced; the lesser minor; whether it is Nix.
  const table: readonly (readonly [number, number, number, boolean])[] = [
    [0x163, 0x163, 0x63, false],
    [0x164, 0x163, 0x63, false],
    [0x161, 0x163, 0x61, false],
    [0x160, 0x163, 0x60, false],
    [0x122, 0x114, 0x14, true],
    [0x115, 0x114, 0x14, true],
    [0x10f, 0x10f, 0x0f, true],
  ];
  for (const [daemon, client, minor, nix] of table)
    assert.deepEqual(negotiate(daemon), { daemon, client, minor, nix });
});

/** All that a client sends to a daemon that says it is done with everything. */
async function said(
  t: Parameters<typeof fakeDaemon>[0],
  version: number,
  options: Parameters<typeof openConnection>[1],
): Promise<Buffer> {
  let received: Buffer | undefined;
  const { socket } = await fakeDaemon(t, async (peer: Peer) => {
    const magic = await peer.take(8);
    peer.send(int(0x6478696f), int(version), word.last, word.last);
    received = all(magic, await peer.take(10_000));
  });
  const connection = await openConnection(socket, options);
  // What came after the word that ends the handshake is too much: the connection is of no use.
  assert.equal(connection.closed, true);
  await closeConnection(connection);
  return waitFor("the daemon has read all", () => received);
}

test("what is said first", async (t) => {
  const magic = int(0x6e697863);
  const table: readonly (readonly [number, Parameters<typeof openConnection>[1], readonly Buffer[]])[] = [
    [0x163, {}, [int(0x163), int(0), int(1)]],
    [0x163, { reserveSpace: false }, [int(0x163), int(0), int(0)]],
    [0x163, { cpuAffinity: 3 }, [int(0x163), int(1), int(3), int(1)]],
    [0x122, { cpuAffinity: 0, reserveSpace: false }, [int(0x114), int(1), int(0), int(0)]],
    [0x10d, { cpuAffinity: 0 }, [int(0x10d), int(1)]],
    [0x10a, {}, [int(0x10a)]],
  ];
  for (const [version, options, words] of table)
    assert.deepEqual(await said(t, version, options), all(magic, ...words), version.toString(16));
});

test("the fields that depend on the version", async (t) => {
  const connect = async (version: number, serve: (peer: Peer) => Promise<void>): Promise<string> => {
    const { socket } = await fakeDaemon(t, async (peer) => {
      await peer.greet(version);
      await serve(peer);
    });
    return socket;
  };
  const expectSaid = async (peer: Peer, bytes: Buffer): Promise<void> => {
    assert.deepEqual(await peer.take(bytes.length), bytes);
    peer.send(word.last);
  };
  const pathInfo = all(str(""), str("hash"), int(1), str("/r"), int(12), int(2 ** 40));
  for (const [version, options, rest] of [
    [
      0x122,
      all(
        ...[19, 1, 0, 0, 2, 4, 60, 1, 0, 0, 1, 8, 1, 3].map(int),
        str("build-max-silent-time"),
        str("60"),
        str("build-max-jobs"),
        str("4"),
        str("build-cores"),
        str("8"),
      ),
      [int(1), pathInfo, int(1), int(1), str("s"), str("ca")],
    ],
    [
      0x163,
      all(
        ...[19, 1, 0, 0, 2, 1, 0, 0, 1, 1, 3].map(int),
        str("build-max-silent-time"),
        str("60"),
        str("build-max-jobs"),
        str("4"),
        str("build-cores"),
        str("8"),
      ),
      [pathInfo],
    ],
  ] as const) {
    const socket = await connect(version, async (peer) => {
      await expectSaid(peer, options);
      await expectSaid(peer, all(int(26), str("/p")));
      peer.send(...rest);
    });
    const connection = await openConnection(socket);
    await setBuildOptions(connection, {
      keepFailed: true,
      verbosity: 2,
      maxBuildJobs: 4,
      maxSilentTime: 60,
      buildCores: 8,
    });
    assert.deepEqual(await queryPathInfo(connection, "/p"), {
      path: "/p",
      hash: "hash",
      references: ["/r"],
      registrationTime: 12,
      narSize: 2 ** 40,
    });
    assert.equal(connection.closed, false);
    await closeConnection(connection);
  }
});
