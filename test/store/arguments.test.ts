// Arguments that are wrong.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { DefinitionError } from "../../src/daemon/definition/check.js";
import * as store from "../../src/store/index.js";
import { untyped } from "../daemon/definition/support.js";
import { fakeDaemon, truthful } from "./fake-daemon.js";

const item = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";

test("wrong arguments are told by function and name, and leave the connection as it is", async (t) => {
  const { socket } = await fakeDaemon(t, truthful);
  const c = await store.openConnection(socket);
  const open = (options: object): Promise<unknown> => store.openConnection(socket, options);
  const table: readonly (readonly [() => Promise<unknown>, string | RegExp])[] = [
    [
      () => store.validPath(c, "relative"),
      'validPath: argument "path": expected an absolute file name, got "relative"',
    ],
    [
      () => store.validPath(c, untyped(1)),
      /validPath: argument "path": expected an absolute file name, got 1/,
    ],
    [() => store.validPath(c, "/a\0b"), /argument "path": expected an absolute/],
    [() => store.validPath(untyped({}), item), "validPath: expected a store connection, got {}"],
    [() => store.validPath(untyped(undefined), item), /expected a store connection, got undefined/],
    [() => store.addTextToStore(c, "", "x"), /addTextToStore: argument "name": expected a name that/],
    [() => store.addTextToStore(c, "x", untyped(1)), /argument "text": expected a string or bytes, got 1/],
    [() => store.addTextToStore(c, "x", "x", ["y"]), /argument "references": expected a list of absolute/],
    [
      () => store.addToStore(c, "x", true, untyped("sha3"), "/x"),
      /"algorithm": expected one of md5, sha1, s/,
    ],
    [() => store.addToStore(c, "x", untyped(1), "md5", "/x"), /"recursive": expected true or false, got 1/],
    [() => store.buildDerivations(c, untyped(item)), /"derivations": expected a list of derivations/],
    [() => store.buildDerivations(c, ["x.drv"]), /expected a list of derivations, got \[ 'x.drv' \]/],
    [() => store.buildDerivations(c, [[item, "a,b"]]), /expected a list of derivations/],
    [
      () => store.buildDerivations(c, [item], untyped("fix")),
      /"mode": expected one of normal, repair, check/,
    ],
    [() => store.collectGarbage(c, -1), /"minFreed": expected a whole number of bytes/],
    [() => store.collectGarbage(c, 0.5), /"minFreed"/],
    [() => store.deletePaths(c, ["x"]), /deletePaths: argument "paths"/],
    [() => store.hashPartToPath(c, "abc"), /"part": expected 32 characters of base 32, got "abc"/],
    [
      () => store.exportPaths(c, [item], untyped({})),
      /"sink": expected a Writable, or a function that takes/,
    ],
    [() => store.importPaths(c, untyped(1)), /"source": expected bytes, or what gives them in pieces, got 1/],
    [
      () => store.setBuildOptions(c, untyped({ timeuot: 1 })),
      /unknown field "timeuot"; did you mean "timeout"/,
    ],
    [() => store.setBuildOptions(c, { timeout: -1 }), /field "timeout": expected a whole number, 0 or more/],
    [() => store.setBuildOptions(c, { timeout: 2 ** 32 }), /field "timeout"/],
    [
      () => store.setBuildOptions(c, { substituteUrls: ["a b"] }),
      /"substituteUrls": expected a list of URLs/,
    ],
    [() => store.verifyStore(c, { repair: untyped("yes") }), /"repair": expected true or false, got "yes"/],
    [() => store.derivation(c, "a b", "/bin/sh"), /derivation: argument "name": expected a name of letters/],
    [() => store.derivation(c, "a", ""), /argument "builder"/],
    [() => store.derivation(c, "a", "/bin/sh", untyped("x")), /argument "args": expected a list of strings/],
    [() => store.derivation(c, "a", "b", [], { outputs: [] }), /"outputs": expected a list of at least one/],
    [() => store.derivation(c, "a", "b", [], { outputs: ["a", "a"] }), /"outputs": one of them occurs twice/],
    [() => store.derivation(c, "a", "b", [], { hash: "abcd" }), /"hash": expected the 32 bytes of a sha256/],
    [
      () => store.derivation(c, "a", "b", [], { hash: "a".repeat(64), outputs: ["x"] }),
      /one output is "out"/,
    ],
    [
      () => store.derivation(c, "a", "b", [], { inputs: [untyped({ fileName: item })] }),
      /"inputs": expected/,
    ],
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
      () => store.openConnection(untyped(7)),
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
  assert.throws(() => store.currentBuildOutputPort.set(untyped(1)), DefinitionError);
  assert.equal(await store.validPath(c, item), true);
  await store.closeConnection(c);
});
