// The recorded sessions of a client with Guix's daemon, played by ours: the bytes that it sends are those that were sent,
// and it makes of the daemon's bytes what was made of them.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as store from "../../src/store/index.js";
import { exportPath } from "../../src/store/operations/archives.js";
import { fakeDaemon, type Peer } from "./fake-daemon.js";
import { type Step, sessionNames, sessionOf, withoutTranscripts } from "./transcripts.js";

const hello = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";
const ref = "/gnu/store/mhyabhh3zla57y7vnq2c0ywk8kmnzs5g-ref.txt";
const absent = "/gnu/store/00000000000000000000000000000000-x";
const helloDrv = "/gnu/store/vgfbvi5br1v2jd20g6qf4a5hxmxhy5vi-hello.drv";
const failDrv = "/gnu/store/kz04n6wc46mnrdwaasvq0brvip00abyy-fail.drv";

interface Files {
  readonly flat: string;
  readonly tree: string;
}

type Play = (connection: store.StoreConnection, files: Files) => Promise<unknown>;

const system = "x86_64-linux";
const options = (name: string): store.DerivationOptions => ({ system, env: { name, system } });

/** What is called for each step, with a result of the form that was recorded. */
const plays: Readonly<Record<string, Readonly<Record<string, Play>>>> = {
  basic: {
    "valid-path? (not in store)": (c) => store.validPath(c, "/etc/passwd"),
    "valid-path? (absent)": (c) => store.validPath(c, absent),
    "add-text-to-store hello": (c) => store.addTextToStore(c, "hello.txt", "Hello, store!\n"),
    "add-text-to-store refs": (c) => store.addTextToStore(c, "ref.txt", `see ${hello}\n`, [hello]),
    "valid-path? a": (c) => store.validPath(c, hello),
    "query-path-info b": async (c) => {
      const { hash, references, registrationTime, narSize, deriver } = await store.queryPathInfo(c, ref);
      return { deriver: deriver ?? null, hash, refs: references, time: registrationTime, narSize };
    },
    "query-references b": (c) => store.references(c, ref),
    "query-referrers a": (c) => store.referrers(c, hello),
    "query-path-hash a": (c) => store.queryPathHash(c, hello),
    "query-valid-paths": (c) => store.queryValidPaths(c, [hello, absent]),
    "add-text bad name": (c) => store.addTextToStore(c, "bad name", "x"),
    "add-temp-root": async (c) => ((await store.addTempRoot(c, hello)) === undefined ? 1 : 0),
    "verify-store": async (c) => ((await store.verifyStore(c)) ? 0 : 1),
    "built-in-builders": (c) => store.builtInBuilders(c),
    "set-options": async (c) =>
      (await store.setBuildOptions(c, { useSubstitutes: false, timeout: 60 })) ?? null,
    "add-to-store flat": (c, { flat }) => store.addToStore(c, "flat", false, "sha256", flat),
    "add-to-store tree": (c, { tree }) => store.addToStore(c, "tree", true, "sha256", tree),
    "export-path unsigned": async (c) => {
      const pieces: Buffer[] = [];
      await exportPath(c, hello, (piece) => void pieces.push(piece), false);
      return [Buffer.concat(pieces).toString("hex"), 1];
    },
  },
  "no-reserve": { valid: (c) => store.validPath(c, absent) },
  affinity0: {},
  build: {
    "add drv": async (c) =>
      (
        await store.derivation(
          c,
          "hello",
          "/bin/sh",
          ["-c", "echo building; echo hi > $out"],
          options("hello"),
        )
      ).fileName,
    "build normal": async (c) => Number(await store.buildDerivations(c, [helloDrv])),
    "valid out": (c) => store.validPath(c, "/gnu/store/nz1mfky9bkrvbm6gygxjf7lsg86f1ymw-hello"),
    "build again": async (c) => Number(await store.buildDerivations(c, [helloDrv])),
    "add fail.drv": async (c) =>
      (await store.derivation(c, "fail", "/bin/sh", ["-c", "echo oops; exit 3"], options("fail"))).fileName,
    "build fail": (c) => store.buildDerivations(c, [failDrv]),
    "gc delete-dead": async (c) => {
      const { paths, freed } = await store.collectGarbage(c);
      return [paths, freed, 0];
    },
  },
};

const connections: Readonly<Record<string, store.ConnectionOptions>> = {
  "no-reserve": { reserveSpace: false },
  affinity0: { cpuAffinity: 0 },
};

/** How the daemon's bytes are divided. */
type Division = (bytes: Buffer) => readonly Buffer[];

const divisions: Readonly<Record<string, Division>> = {
  "in one piece": (bytes) => [bytes],
  "byte for byte": (bytes) => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1)),
  "in pieces of 13 bytes": (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / 13) }, (_, index) =>
      bytes.subarray(index * 13, (index + 1) * 13),
    ),
};

/** The daemon's side: what arrives must be, byte for byte, what was recorded. */
async function replay(peer: Peer, steps: readonly Step[], divide: Division): Promise<void> {
  const say = async (bytes: Buffer): Promise<void> => {
    for (const piece of divide(bytes)) {
      peer.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (const { step, client, daemon } of steps) {
    const said = Buffer.from(daemon, "hex");
    if (step !== "handshake") {
      assert.equal((await peer.take(client.length / 2)).toString("hex"), client, step);
      await say(said);
      continue;
    }
    // Both take turns: the magic numbers, and the daemon's version, before the rest.
    assert.equal((await peer.take(8)).toString("hex"), client.slice(0, 16));
    await say(said.subarray(0, 16));
    assert.equal((await peer.take(client.length / 2 - 8)).toString("hex"), client.slice(16));
    await say(said.subarray(16));
  }
  await peer.closed();
  assert.equal(peer.pending, 0, "more was sent than was recorded");
}

function makeFiles(t: TestContext): Files {
  const directory = mkdtempSync(join(tmpdir(), "store-files-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [flat, tree] = [join(directory, "flat"), join(directory, "tree")];
  writeFileSync(flat, "flat data");
  mkdirSync(tree);
  writeFileSync(join(tree, "x"), "#!");
  chmodSync(join(tree, "x"), 0o755);
  writeFileSync(join(tree, "f"), "file");
  return { flat, tree };
}

test("every recorded session is played", { skip: withoutTranscripts }, () => {
  assert.deepEqual(Object.keys(plays), sessionNames);
});

for (const name of withoutTranscripts === false ? sessionNames : []) {
  for (const [how, divide] of Object.entries(divisions)) {
    test(`the session "${name}", with the daemon's bytes ${how}`, async (t) => {
      const steps = sessionOf(name);
      const { socket } = await fakeDaemon(t, (peer) => replay(peer, steps, divide));
      const files = makeFiles(t);
      const log: string[] = [];
      const connection = await store.openConnection(socket, {
        ...connections[name],
        storeDirectory: "/gnu/store",
        buildOutputPort: (text) => void log.push(text),
      });
      for (const { step, result = null, log: said = [], error } of steps) {
        const play = plays[name]?.[step];
        if (step === "handshake") continue;
        assert.ok(play !== undefined, `nothing plays the step "${step}"`);
        log.length = 0;
        const played = play(connection, files);
        if (error === undefined) assert.deepEqual(await played, result, step);
        else
          await assert.rejects(played, ({ name: kind, message, status }: store.StoreProtocolError) => {
            assert.deepEqual({ kind, message, status }, { kind: "StoreProtocolError", ...error }, step);
            return true;
          });
        // A few lines name the directory of the recording, which its text does not.
        const unnamed = (text: string): string => text.replace(/\/tmp\/wk\b/g, "@WORK@");
        assert.equal(unnamed(log.join("")), said.join(""), step);
      }
      await store.closeConnection(connection);
    });
  }
}
