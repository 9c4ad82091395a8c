// Derivations and builds with a real daemon: Debian's nix-daemon, whose store is in a temporary directory.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, it, type TestContext } from "node:test";
import * as store from "../../src/store/index.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { type NixDaemon, processesWith, startNixDaemon, withoutNix } from "./nix-daemon.js";
import { connectTo, pathOf, script } from "./nix-session.js";

const system = "x86_64-linux";

describe("builds by nix-daemon", { skip: withoutNix }, () => {
  let daemon: NixDaemon;
  before(async () => {
    daemon = await startNixDaemon();
  });
  after(() => daemon.stop());

  const connect = (t: TestContext, options?: store.ConnectionOptions): ReturnType<typeof connectTo> =>
    connectTo(t, daemon, options);

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
        # Two ways to the same: their derivations differ, and what needs them does not.
        h = derivation (base // { name = "f"; args = [ "other" ]; outputHash = "${"ab".repeat(32)}"; outputHashAlgo = "sha256"; outputHashMode = "recursive"; });
        d = derivation (base // { name = "d"; F = f; outputs = [ "out" "doc" ]; });
        e = derivation (base // { name = "d"; F = h; outputs = [ "out" "doc" ]; });
        i = derivation (base // { name = "i"; D = d; E = e.doc; });
      in map (d: [ d.drvPath d.outPath ]) [ a f g b c h d e i ]`;
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
      const h = await make("f", ["other"], fixed("ab".repeat(32), "sha256", "recursive"), {
        hash: Buffer.alloc(32, 0xab),
        recursive: true,
      });
      const both = { outputs: ["out", "doc"] };
      const d = await make("d", [], { F: pathOf(f), outputs: "out doc" }, { ...both, inputs: [f] });
      const e = await make("d", [], { F: pathOf(h), outputs: "out doc" }, { ...both, inputs: [h] });
      assert.equal(store.hashModulo(d), store.hashModulo(e));
      assert.notEqual(d.fileName, e.fileName);
      const needed = [d, [e, "doc"]] as const;
      const i = await make("i", [], { D: pathOf(d), E: pathOf(e, "doc") }, { inputs: needed });
      assert.deepEqual(
        [a, f, g, b, c, h, d, e, i].map((derivation) => [derivation.fileName, pathOf(derivation)]),
        JSON.parse(stdout),
      );
    } finally {
      await store.closeConnection(connection);
    }
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
