// The client with a real daemon: Debian's nix-daemon, whose store is in a temporary directory.

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, it, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as store from "../../src/store/index.js";
import { waitFor } from "../support/wait.js";
import { type NixDaemon, nixDaemon, startNixDaemon, withoutNix } from "./nix-daemon.js";
import { connectTo } from "./nix-session.js";

/** What `node --expose-gc` has. */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe("with nix-daemon", { skip: withoutNix }, () => {
  let daemon: NixDaemon;
  before(async () => {
    daemon = await startNixDaemon();
  });
  after(() => daemon.stop());

  const connect = (t: TestContext, options?: store.ConnectionOptions): ReturnType<typeof connectTo> =>
    connectTo(t, daemon, options);

  it("agrees on a version that it logs builds by", async (t) => {
    const { connection } = await connect(t, { reserveSpace: false, cpuAffinity: 0 });
    assert.deepEqual(connection.versions, { daemon: 0x122, client: 0x114, minor: 0x14, nix: true });
    assert.equal(connection.peer, `the daemon at ${daemon.socket}`);
  });

  it("takes a file: and a unix: URI, and GUIX_DAEMON_SOCKET", async (t) => {
    for (const uri of [`file://${daemon.socket}`, `unix:${daemon.socket}`])
      await store.withStore((connection) => store.queryAllValidPaths(connection), uri);
    const before = process.env.GUIX_DAEMON_SOCKET;
    t.after(() => {
      if (before === undefined) delete process.env.GUIX_DAEMON_SOCKET;
      else process.env.GUIX_DAEMON_SOCKET = before;
    });
    process.env.GUIX_DAEMON_SOCKET = `file://${daemon.socket}`;
    const opened = await store.openConnection();
    assert.equal(opened.peer, `the daemon at ${daemon.socket}`);
    await store.closeConnection(opened);
  });

  it("adds text and says whether a path is valid", async (t) => {
    const { connection } = await connect(t);
    const hello = await store.addTextToStore(connection, "hello.txt", "Hello, store!\n");
    assert.equal(readFileSync(hello, "utf8"), "Hello, store!\n");
    assert.equal(await store.validPath(connection, hello), true);
    assert.equal(
      await store.validPath(connection, hello.replace(/\/[^/]{32}-/, `/${"0".repeat(32)}-`)),
      false,
    );
    const bytes = Buffer.from([0, 1, 0, 255, 10]);
    const ref = await store.addTextToStore(connection, "ref", bytes, [hello]);
    assert.deepEqual(readFileSync(ref), bytes);
    assert.deepEqual(await store.references(connection, ref), [hello]);
    assert.deepEqual(await store.referrers(connection, hello), [ref]);
  });

  it("says of many at a time whether they are valid", async (t) => {
    const { connection } = await connect(t);
    const there = await store.addTextToStore(connection, "there", "there");
    const names = Array.from({ length: 2500 }, (_, index) => `${index}`);
    const absent = names.map((name) => store.textPath(daemon.storeDirectory, name, "not there"));
    const paths = absent.flatMap((path, index) => (index % 100 === 0 ? [there, path] : [path]));
    assert.deepEqual(
      await Promise.all(paths.map((path) => store.validPath(connection, path))),
      paths.map((path) => path === there),
    );
  });

  it("tells of a path that is not in the store, and then that the daemon has closed", async (t) => {
    const { connection } = await connect(t);
    await assert.rejects(store.validPath(connection, "/etc/passwd"), {
      name: "StoreProtocolError",
      message: "path '/etc/passwd' is not in the Nix store",
      status: 1,
    });
    await assert.rejects(store.validPath(connection, `${daemon.storeDirectory}/x`), (error: Error) => {
      assert.ok(error instanceof store.StoreConnectionError);
      assert.equal(error.file, daemon.socket);
      assert.match(error.message, /closed the connection after its error: path '\/etc\/passwd' is not/);
      return true;
    });
    assert.equal(connection.closed, true);
  });

  it("refuses a name that is not the one that was to be", async (t) => {
    const { connection } = await connect(t, { storeDirectory: "/gnu/store" });
    await assert.rejects(store.addTextToStore(connection, "x", "x"), {
      name: "StoreProtocolError",
      message:
        /addTextToStore: the daemon gave ".*" and not "\/gnu\/store\/.*": .* by its option "storeDirectory"/,
    });
    assert.equal(connection.closed, false);
  });

  it("adds files, trees and what is large", async (t) => {
    const { connection } = await connect(t);
    const tree = join(daemon.directory, "tree");
    mkdirSync(join(tree, "sub", "empty"), { recursive: true });
    writeFileSync(join(tree, "program"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(tree, "sub", "file"), "file");
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/sub/`), Buffer.from([0x66, 0xff, 0x66])]), "");
    symlinkSync("sub/file", join(tree, "link"));
    writeFileSync(join(tree, "hidden"), "");
    writeFileSync(join(daemon.directory, "flat"), "flat data");
    const flat = join(daemon.directory, "flat");
    for (const algorithm of ["sha256", "sha1", "md5", "sha512"] as const) {
      const item = await store.addToStore(connection, "flat", false, algorithm, flat);
      assert.equal(readFileSync(item, "utf8"), "flat data");
      await store.addToStore(connection, "flat", true, algorithm, tree);
    }
    const whole = await store.addToStore(connection, "tree", true, "sha256", tree, {
      select: (file) => !file.endsWith("/hidden"),
    });
    assert.ok(existsSync(join(whole, "sub", "empty")) && !existsSync(join(whole, "hidden")));
    assert.equal(readFileSync(join(whole, "link"), "utf8"), "file");
    const large = join(daemon.directory, "large");
    writeFileSync(large, Buffer.alloc(20_000_003, "large "));
    const item = await store.addToStore(connection, "large", true, "sha256", large);
    assert.equal((await store.queryPathInfo(connection, item)).narSize, 20_000_008 + 112);
    const tmp = await store.addFileTreeToStore(connection, "memory", {
      type: "directory",
      entries: { a: { type: "regular", contents: "a" }, b: { type: "symlink", target: "a" } },
    });
    assert.equal(readFileSync(join(tmp, "b"), "utf8"), "a");
  });

  it("fails for files that are not there without a loss of the connection", async (t) => {
    const { connection } = await connect(t);
    await assert.rejects(store.addToStore(connection, "x", true, "sha256", "/nonexistent"), {
      code: "ENOENT",
    });
    await assert.rejects(store.addToStore(connection, "x", false, "sha256", daemon.directory), {
      message: /argument "file": ".*" is a directory, and no file/,
    });
    assert.equal(connection.closed, false);
    assert.equal((await store.queryAllValidPaths(connection)).length > 0, true);
  });

  it("goes on after an error about what it adds", async (t) => {
    const { connection } = await connect(t);
    const file = realpathSync("/bin/sh");
    await assert.rejects(store.addToStore(connection, "a b", true, "sha256", file), {
      name: "StoreProtocolError",
      message: /contains illegal character/,
    });
    assert.ok(existsSync(await store.addToStore(connection, "ab", true, "sha256", file)));
  });

  it("exports items, and imports what was exported", async (t) => {
    const { connection } = await connect(t);
    const first = await store.addTextToStore(connection, "first", "x".repeat(200_000));
    const second = await store.addTextToStore(connection, "second", first, [first]);
    const pieces: Buffer[] = [];
    await store.exportPaths(connection, [second], (piece) => void pieces.push(piece), {
      sign: false,
      recursive: true,
    });
    const archive = Buffer.concat(pieces);
    const stream = new PassThrough({ highWaterMark: 1000 });
    const streamed: Buffer[] = [];
    stream.on("data", (piece: Buffer) => streamed.push(piece));
    await store.exportPaths(connection, [second, first], stream, { sign: false });
    stream.end();
    await waitFor("the stream's end", () => stream.readableEnded);
    assert.deepEqual(Buffer.concat(streamed), archive);
    await store.closeConnection(connection);
    // Another connection: this one's items are not kept by it.
    const other = await connect(t);
    await store.deletePaths(other.connection, [second, first]);
    assert.equal(existsSync(first), false);
    async function* inPieces(): AsyncGenerator<Buffer> {
      for (let at = 0; at < archive.length; at += 10_007) yield archive.subarray(at, at + 10_007);
    }
    assert.deepEqual(await store.importPaths(other.connection, inPieces()), [first, second]);
    assert.equal(readFileSync(second, "utf8"), first);
    assert.deepEqual(await store.importPaths(other.connection, archive), [first, second]);
    await assert.rejects(store.importPaths(other.connection, archive.subarray(0, 5000)), {
      name: "StoreProtocolError",
    });
  });

  it("ends the connection, and tells why, where the caller's stream fails", async (t) => {
    const { connection } = await connect(t);
    const item = await store.addTextToStore(connection, "given", "x");
    const broken = async (): Promise<void> => {
      throw new Error("no room");
    };
    await assert.rejects(store.exportPaths(connection, [item], broken), /no room/);
    const other = await connect(t);
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(8, 0);
      throw new Error("cannot be read");
    }
    // The archive's first word says that nothing follows: no more of it is asked for.
    assert.deepEqual(await store.importPaths(other.connection, failing()), []);
    async function* failingSoon(): AsyncGenerator<Buffer> {
      yield Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
      throw new Error("cannot be read");
    }
    await assert.rejects(store.importPaths(other.connection, failingSoon()), /cannot be read/);
    await assert.rejects(store.validPath(other.connection, item), {
      name: "StoreConnectionError",
      message: /the connection was closed, since importPaths failed half-way/,
    });
  });

  it("collects garbage, and spares what is used", async (t) => {
    const own = await nixDaemon(t);
    const open = (): Promise<store.StoreConnection> =>
      store.openConnection(own.socket, {
        storeDirectory: own.storeDirectory,
        buildOutputPort: () => {},
      });
    const first = await open();
    const kept = await store.addTextToStore(first, "kept", "kept");
    const rooted = await store.addTextToStore(first, "rooted", `${kept}\n`, [kept]);
    const dead = await store.addTextToStore(first, "dead", "dead");
    const link = join(own.directory, "root");
    symlinkSync(rooted, link);
    await store.addIndirectRoot(first, link);
    await store.syncWithGc(first);
    await store.closeConnection(first);
    const second = await open();
    assert.deepEqual([...(await store.livePaths(second))].sort(), [kept, rooted].sort());
    assert.deepEqual(await store.deadPaths(second), [dead]);
    assert.ok((await store.findRoots(second)).some(([root, path]) => root === link && path === rooted));
    await assert.rejects(store.deletePaths(second, [kept]), {
      message: /since it is still alive/,
      status: 1,
    });
    const { paths, freed } = await store.collectGarbage(second);
    assert.deepEqual([paths, existsSync(dead)], [[dead], false]);
    assert.ok(freed > 0);
    await store.addTempRoot(second, kept);
    assert.deepEqual(await store.collectGarbage(second, 1), { paths: [], freed: 0 });
    await store.closeConnection(second);
  });

  it("verifies the store", async (t) => {
    const { connection, log } = await connect(t);
    assert.equal(await store.verifyStore(connection), true);
    const item = await store.addTextToStore(connection, "damaged", "damaged");
    await store.optimizeStore(connection);
    chmodSync(item, 0o644);
    writeFileSync(item, "Damaged");
    assert.equal(await store.verifyStore(connection, { checkContents: true }), false);
    assert.match(log(), /path '.*-damaged' was modified!/);
    writeFileSync(item, "damaged");
    chmodSync(item, 0o444);
    assert.equal(await store.verifyStore(connection, { checkContents: true }), true);
  });

  it("says of substitutes, roots and builders what there is", async (t) => {
    const { connection } = await connect(t);
    const item = await store.addTextToStore(connection, "plain", "plain");
    assert.equal(await store.hasSubstitutes(connection, item), false);
    assert.deepEqual(await store.substitutablePaths(connection, [item]), []);
    assert.deepEqual(await store.substitutablePathInfo(connection, [item]), []);
    assert.deepEqual(await store.queryValidPaths(connection, [item]), [item]);
    await store.ensurePath(connection, item);
    assert.deepEqual(await store.builtInBuilders(connection), []);
    assert.equal(await store.substituteUrls(connection), undefined);
    await assert.rejects(store.queryFailedPaths(connection), {
      message: /queryFailedPaths: a Nix daemon cannot/,
    });
    await assert.rejects(store.clearFailedPaths(connection, [item]), { name: "StoreProtocolError" });
    await assert.rejects(store.queryPathInfo(connection, item.replace("plain", "none")), {
      message: /path `.*-none' is not valid/,
      status: 1,
    });
    assert.equal(connection.closed, false);
  });

  it("keeps nothing of requests that are done", async (t) => {
    const { connection } = await connect(t);
    const item = await store.addTextToStore(connection, "asked-for", "often");
    const measure = async (): Promise<number> => {
      for (let call = 0; call < 10_000; call++) assert.equal(await store.validPath(connection, item), true);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const first = await measure();
    const later = [await measure(), await measure(), await measure()];
    const grown = Math.min(...later) - first;
    t.diagnostic(`${first} bytes in use after 10,000 calls, and ${grown} more after 30,000 others`);
    assert.ok(grown < 256 * 1024);
  });
});
