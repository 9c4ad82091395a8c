// The client with a real daemon: Debian's nix-daemon, whose store is in a temporary directory.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { type NixDaemon, nixDaemon, processesWith, startNixDaemon, withoutNix } from "./nix-daemon.js";

const system = "x86_64-linux";

/** What `node --expose-gc` has. */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe("with nix-daemon", { skip: withoutNix }, () => {
  let daemon: NixDaemon;
  before(async () => {
    daemon = await startNixDaemon();
  });
  after(() => daemon.stop());

  /** A connection for one test, and what the daemon says on it. */
  async function connect(
    t: TestContext,
    options: store.ConnectionOptions = {},
  ): Promise<{ connection: store.StoreConnection; log: () => string }> {
    let log = "";
    const connection = await store.openConnection(daemon.socket, {
      storeDirectory: daemon.storeDirectory,
      buildOutputPort: (text) => {
        log += text;
      },
      ...options,
    });
    t.after(() => store.closeConnection(connection));
    return { connection, log: () => log };
  }

  /** A shell in the store: builders that every daemon takes lie there. */
  const shell = (connection: store.StoreConnection): Promise<string> =>
    store.addToStore(connection, "sh", true, "sha256", realpathSync("/bin/sh"));

  async function script(
    connection: store.StoreConnection,
    name: string,
    text: string,
    options: store.DerivationOptions = {},
  ): Promise<store.Derivation> {
    const sh = await shell(connection);
    const sources = [...(options.sources ?? []), sh];
    return store.derivation(connection, name, sh, ["-c", text], { ...options, sources });
  }

  const pathOf = (derivation: store.Derivation, output?: string): string => {
    const path = store.derivationToOutputPath(derivation, output);
    assert.ok(path !== undefined);
    return path;
  };

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

  it("builds, with the log on the port", async (t) => {
    const { connection, log } = await connect(t);
    const derivation = await script(connection, "hello", "echo building; echo hi é > $out");
    assert.equal(await store.buildDerivations(connection, [derivation]), true);
    assert.equal(log(), `building '${derivation.fileName}'\nbuilding\n`);
    const out = pathOf(derivation);
    assert.equal(readFileSync(out, "utf8"), "hi é\n");
    assert.equal(await store.validPath(connection, out), true);
    assert.equal(await store.queryDeriver(connection, out), derivation.fileName);
    assert.deepEqual(await store.validDerivers(connection, out), [derivation.fileName]);
    assert.deepEqual(await store.queryDerivationOutputs(connection, derivation.fileName), [out]);
    assert.deepEqual(await store.queryDerivationOutputNames(connection, derivation.fileName), ["out"]);
    const info = await store.queryPathInfo(connection, out);
    assert.equal(info.deriver, derivation.fileName);
    assert.equal(info.hash, await store.queryPathHash(connection, out));
    const part = store.parseStorePath(daemon.storeDirectory, out)?.hashPart ?? "";
    assert.equal(await store.hashPartToPath(connection, part), out);
    assert.equal(await store.hashPartToPath(connection, "0".repeat(32)), undefined);
  });

  it("writes the log where a port is set, for the program, for a part of it and for the connection", async () => {
    const texts = { common: "", part: "" };
    const connection = await store.openConnection(daemon.socket, { storeDirectory: daemon.storeDirectory });
    store.currentBuildOutputPort.set((text) => {
      texts.common += text;
    });
    try {
      const one = await script(connection, "one", "echo one; echo > $out");
      const two = await script(connection, "two", "echo two; echo > $out");
      await store.buildDerivations(connection, [one]);
      const stream = new PassThrough({ highWaterMark: 4 });
      stream.setEncoding("utf8").on("data", (text: string) => {
        texts.part += text;
      });
      await store.currentBuildOutputPort.with(stream, () => store.buildDerivations(connection, [two]));
      stream.end();
      await waitFor("the stream's end", () => stream.readableEnded);
      assert.equal(texts.common, `building '${one.fileName}'\none\n`);
      assert.equal(texts.part, `building '${two.fileName}'\ntwo\n`);
    } finally {
      store.currentBuildOutputPort.set(undefined);
      await store.closeConnection(connection);
    }
    assert.equal(store.currentBuildOutputPort(), process.stderr);
  });

  it("tells a failing build by its status, and goes on", async (t) => {
    const { connection, log } = await connect(t);
    const derivation = await script(connection, "fail", "echo oops; exit 3");
    await assert.rejects(store.buildDerivations(connection, [derivation]), (error: unknown) => {
      assert.ok(error instanceof store.StoreProtocolError);
      assert.equal(error.status, 100);
      assert.match(error.message, /builder for '.*-fail\.drv' failed with exit code 3/);
      assert.ok(!error.message.includes("\x1b"));
      return true;
    });
    assert.match(log(), /^oops$/m);
    assert.equal(await store.validPath(connection, pathOf(derivation)), false);
  });

  it("tells a build that takes too long, or is silent for too long, by its status", async (t) => {
    for (const [name, options] of [
      ["slow", { timeout: 1 }],
      ["silent", { maxSilentTime: 1 }],
    ] as const) {
      const { connection } = await connect(t);
      await store.setBuildOptions(connection, options);
      const derivation = await script(connection, name, "while :; do :; done");
      await assert.rejects(store.buildDerivations(connection, [derivation]), {
        name: "StoreProtocolError",
        message: /timed out after 1 seconds/,
        status: 101,
      });
    }
  });

  it("checks whether a second build gives the same", async (t) => {
    const { connection } = await connect(t);
    const same = await script(connection, "same", "echo same > $out");
    const other = await script(connection, "other", "echo $$ > $out");
    await store.buildDerivations(connection, [same, other]);
    await store.buildDerivations(connection, [same], "check");
    await assert.rejects(store.buildDerivations(connection, [other], "check"), {
      message: /may not be deterministic/,
      status: 104,
    });
  });

  it("builds single outputs, and what derivations need", async (t) => {
    const { connection } = await connect(t);
    const two = await script(connection, "two-outputs", "echo out > $out; echo doc > $doc", {
      outputs: ["out", "doc"],
    });
    const needs = await script(connection, "needs", `read line < ${pathOf(two, "doc")}; echo $line > $out`, {
      inputs: [[two, "doc"]],
    });
    await store.buildDerivations(connection, [[needs, "out"]]);
    assert.equal(readFileSync(pathOf(needs), "utf8"), "doc\n");
    await store.buildThings(connection, [`${two.fileName}!out`, [two.fileName, "doc"]]);
    await store.buildDerivations(connection, [{ derivation: two, outputs: ["doc", "out"] }]);
    assert.match(pathOf(two, "doc"), /-two-outputs-doc$/);
    const again = await store.readDerivation(daemon.storeDirectory, needs.fileName);
    assert.deepEqual(
      { ...again, inputs: again.inputs.map(({ derivation }) => derivation.fileName) },
      { ...needs, inputs: [two.fileName] },
    );
    assert.equal(store.hashModulo(again), store.hashModulo(needs));
    const closure = await store.requisites(connection, [needs.fileName]);
    assert.ok(closure.indexOf(two.fileName) < closure.indexOf(needs.fileName));
    assert.equal(closure.at(-1), needs.fileName);
    assert.deepEqual(await store.topologicallySorted(connection, [needs.fileName, two.fileName]), [
      two.fileName,
      needs.fileName,
    ]);
  });

  it("makes a fixed output, and none with other contents", async (t) => {
    const { connection } = await connect(t);
    const hash = createHash("sha256").update("fixed\n").digest("hex");
    const right = await script(connection, "right", "echo fixed > $out", { hash });
    await store.buildDerivations(connection, [right]);
    assert.equal(readFileSync(pathOf(right), "utf8"), "fixed\n");
    const wrong = await script(connection, "wrong", "echo other > $out", { hash });
    await assert.rejects(store.buildDerivations(connection, [wrong]), {
      message: /hash mismatch in fixed-output derivation/,
      status: 102,
    });
  });

  it("computes names as Nix does", async () => {
    const expression = `
      let
        base = { system = "${system}"; builder = "/bin/sh"; };
        a = derivation (base // { name = "a"; args = [ "-c" "echo $out" ]; outputs = [ "out" "doc" ]; });
        f = derivation (base // { name = "f"; outputHash = "${"ab".repeat(32)}"; outputHashAlgo = "sha256"; outputHashMode = "recursive"; });
        g = derivation (base // { name = "g"; outputHash = "${"cd".repeat(20)}"; outputHashAlgo = "sha1"; outputHashMode = "flat"; NEEDS = a; });
        b = derivation (base // { name = "b"; A = a; D = a.doc; F = f; G = g; weird = "\\"\\\\\\n\\r\\té 😀"; });
        c = derivation (base // { name = "c"; B = b; A = a.doc; args = [ "" "a b" ]; });
      in map (d: [ d.drvPath d.outPath ]) [ a f g b c ]`;
    const { stdout, stderr, status } = await run(
      "nix-instantiate",
      ["--eval", "--strict", "--json", "--readonly-mode", "-E", expression],
      {
        env: {
          PATH: process.env.PATH,
          HOME: daemon.directory,
          NIX_STORE_DIR: daemon.storeDirectory,
          NIX_STATE_DIR: join(daemon.directory, "var"),
          NIX_CONF_DIR: join(daemon.directory, "conf"),
          NIX_REMOTE: "local",
        },
      },
    );
    assert.equal(status, 0, stderr);
    const connection = await store.openConnection(daemon.socket, { storeDirectory: daemon.storeDirectory });
    try {
      const make = (
        name: string,
        args: readonly string[],
        env: Readonly<Record<string, string>>,
        options: store.DerivationOptions = {},
      ): Promise<store.Derivation> =>
        store.derivation(connection, name, "/bin/sh", args, {
          system,
          env: { name, system, builder: "/bin/sh", ...env },
          ...options,
        });
      const fixed = (hash: string, algorithm: string, mode: string): Readonly<Record<string, string>> => ({
        outputHash: hash,
        outputHashAlgo: algorithm,
        outputHashMode: mode,
      });
      const a = await make("a", ["-c", "echo $out"], { outputs: "out doc" }, { outputs: ["doc", "out"] });
      const f = await make("f", [], fixed("ab".repeat(32), "sha256", "recursive"), {
        hash: "ab".repeat(32),
        recursive: true,
      });
      const g = await make(
        "g",
        [],
        { ...fixed("cd".repeat(20), "sha1", "flat"), NEEDS: pathOf(a) },
        { hash: store.base32(Buffer.alloc(20, 0xcd)), hashAlgorithm: "sha1", inputs: [a] },
      );
      const b = await make(
        "b",
        [],
        { A: pathOf(a), D: pathOf(a, "doc"), F: pathOf(f), G: pathOf(g), weird: '"\\\n\r\té 😀' },
        { inputs: [[a, "doc"], f, a, { derivation: g, outputs: ["out"] }] },
      );
      const c = await make(
        "c",
        ["", "a b"],
        { B: pathOf(b), A: pathOf(a, "doc") },
        { inputs: [[a, "doc"], b] },
      );
      assert.deepEqual(
        [a, f, g, b, c].map((derivation) => [derivation.fileName, pathOf(derivation)]),
        JSON.parse(stdout),
      );
    } finally {
      await store.closeConnection(connection);
    }
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

  it("aborts a build when its connection is closed", async (t) => {
    const { connection, log } = await connect(t);
    const derivation = await script(connection, "endless", "echo begun; while :; do :; done", {
      env: { MARK: daemon.socket },
    });
    const building = assert.rejects(store.buildDerivations(connection, [derivation]), {
      name: "StoreConnectionError",
      code: "EBADF",
    });
    await waitFor("the builder runs", () => log().includes("begun"));
    assert.equal(processesWith(`MARK=${daemon.socket}`).length, 1);
    await store.closeConnection(connection);
    await building;
    await waitFor("the builder is gone", () => processesWith(`MARK=${daemon.socket}`).length === 0);
  });
});
