// Hostile bytes at the control socket, and configurations with mistakes.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { configuration, module, sleeper } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { residentMemory } from "../support/processes.js";
import { gnuRequest, open } from "../support/wire.js";

/** More than the daemon may ever take, in KiB: Node itself has 40 MB. */
const memoryBound = 200 * 1024;

/** That others are served and nothing was hoarded. */
async function assertServes(system: System): Promise<void> {
  assert.match(await system.ok("status", "steady"), /It is running/);
  const daemon = system.daemon();
  assert.ok(daemon !== undefined && residentMemory(daemon) < memoryBound);
}

function writableOrClosed(connection: Socket): Promise<void> {
  return new Promise((resolve) => {
    connection.once("drain", resolve);
    connection.once("close", () => resolve());
  });
}

describe("bad input at the control socket", () => {
  const scope = suiteScope();
  let system: System;
  let daemon: number | undefined;
  before(async () => {
    system = await bootSystem(scope, { config: configuration([sleeper("steady")]) });
    await system.untilStatus("steady", "running");
    daemon = system.daemon();
  });
  after(async () => {
    // Nothing of all this may have cost the daemon its life.
    assert.equal(system.daemon(), daemon);
    await scope.close();
  });

  it("half a frame blocks nobody", async () => {
    const connection = await open(system.socket);
    connection.write('(shepherd-command (version 0) (action status) (service "');
    await assertServes(system);
    connection.destroy();
    await assertServes(system);
  });

  it("a megabyte without a newline is refused or ignored", async () => {
    await system.rawRequest("(".padEnd(1024 * 1024, "a"), 2000);
    await assertServes(system);
  });

  it("a client that never stops sending is cut off", async () => {
    const connection = await open(system.socket);
    const chunk = Buffer.alloc(64 * 1024, "a");
    connection.resume();
    connection.write("(shepherd-command ");
    let sent = 0;
    while (!connection.closed && sent < 256 * 1024 * 1024) {
      if (!connection.write(chunk)) await writableOrClosed(connection);
      sent += chunk.length;
    }
    assert.equal(connection.closed, true, `still connected after ${sent} bytes`);
    await assertServes(system);
  });

  it("a thousand silent clients keep nobody out", async () => {
    const clients: Socket[] = [];
    while (clients.length < 1000) {
      // A full backlog refuses for a moment (EAGAIN): the daemon is given its turn and we try again.
      const client = await open(system.socket).catch(() => undefined);
      if (client !== undefined) clients.push(client);
    }
    await assertServes(system);
    for (const client of clients) client.destroy();
    await assertServes(system);
  });

  const malformed: readonly (readonly [string, string])[] = [
    ["an expression with too many closing parentheses", "())))\n"],
    ["an expression that is never closed", "((((((((\n"],
    ["an expression that is nested 100,000 deep", `${"(".repeat(100_000)}${")".repeat(100_000)}\n`],
    ["an unknown version", gnuRequest("status", "root").replace("(version 0)", "(version 99)")],
    ["a command without its fields", "(shepherd-command (version 0) (action status))\n"],
    ["another expression", '(hello "world")\n'],
    ["an atom", "42\n"],
    ["NUL and invalid UTF-8", "\0\xff\xfe(\0)\n"],
    ["an unfinished string", '"abc\n'],
  ];
  for (const [what, bytes] of malformed) {
    it(`${what} gets an error or a close`, async () => {
      const { text, closed } = await system.rawRequest(Buffer.from(bytes, "latin1"), 2000);
      // Half an expression may as well be waited for.
      if (!closed) assert.equal(text, "");
      else assert.match(text, /^$|\(error /);
      await assertServes(system);
    });
  }

  const names: readonly (readonly [string, string])[] = [
    ["with a slash", "../../etc/passwd"],
    ["of two dots", ".."],
    ["with a newline", "#{two\\x0a;lines}#"],
    ["of 10,000 characters", "n".repeat(10_000)],
  ];
  for (const [what, name] of names) {
    it(`a name ${what} is the name of no service`, async () => {
      for (const action of ["status", "start", "stop", "doc"]) {
        const { text } = await system.rawRequest(gnuRequest(action, name));
        assert.match(text, /^$|service-not-found/);
      }
      await assertServes(system);
    });

    it(`a name ${what} is the name of no action`, async () => {
      const { text } = await system.rawRequest(gnuRequest(name, "steady"));
      assert.match(text, /^$|action-not-found/);
      await assertServes(system);
    });
  }

  it("herd refuses or survives the same names", async () => {
    for (const name of ["../x", "..", "a\nb", "n".repeat(10_000), "", "(", '"', "#t"]) {
      const { status, stderr } = await system.herd("status", name);
      assert.equal(status, 1, JSON.stringify(name));
      assert.match(stderr, /^herd: error: /);
    }
    await assertServes(system);
  });

  it("no file was made under any of those names", () => {
    assert.deepEqual(
      readdirSync(system.path("run")).filter((name) => name.includes("..") || name.includes("\n")),
      [],
    );
  });
});

describe("configurations with mistakes", () => {
  const syntaxError = `import { service } from "shepherd-ts";\nexport const services = [\n  service(["a"], {\n];\n`;
  const wrongType = `import { service, defineConfig } from "shepherd-ts";\nexport default defineConfig({\n  services: [\n    service(["web"], { respawnLimit: "5" as never }),\n  ],\n});\n`;
  const throws = `const x: number = 1;\n\nthrow new Error("no such luck");\nexport {};\n`;
  const wrongName = module('export default defineConfig({ services: [service(["../../etc/passwd"], {})] });');
  const unknownField = module(
    'export default defineConfig({ services: [service(["web"], { respwan: true } as never)] });',
  );

  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ["a syntax error", syntaxError, /config\.ts:4:1: .*/],
    [
      "a value of the wrong type",
      wrongType,
      /config\.ts:4:5: service "web": field "respawnLimit": expected .*got "5"/,
    ],
    ["an exception", throws, /config\.ts:3:7: .*no such luck/],
    ["a name that is a path", wrongName, /config\.ts:2:\d+: .*\.\.\/\.\.\/etc\/passwd/],
    ["a field that does not exist", unknownField, /config\.ts:2:\d+: .*respwan.*respawn/s],
    ["no default export of the right kind", "export default 42;\n", /config\.ts.*42/],
  ];
  for (const [what, config, expected] of mistakes) {
    it(`${what}, at the first start: the place is named, and root runs alone`, async (t) => {
      const system = await bootSystem(t, { config });
      await system.waitForLog(expected);
      assert.equal(await system.ok("status"), "Started:\n + root\n");
      assert.deepEqual(await system.stop(), { code: 0, signal: null });
    });
  }

  it("a configuration that does not exist is named, and root runs alone", async (t) => {
    const system = await bootSystem(t, { config: "", args: ["--config=/nonexistent/shepherd.ts"] });
    await system.waitForLog(/\/nonexistent\/shepherd\.ts/);
    assert.equal(await system.ok("status"), "Started:\n + root\n");
  });

  for (const [what, broken, expected] of mistakes) {
    it(`${what}, at a reload: the place is named, and the system before stays`, async (t) => {
      const system = await bootSystem(t, {
        config: configuration([sleeper("steady")]),
        files: { "new/config.ts": broken },
      });
      const pid = await system.untilProcess("steady");
      const { status, stderr } = await system.herd("reload", "root", system.path("new/config.ts"));
      assert.equal(status, 1);
      assert.match(stderr, expected);
      assert.equal((await system.service("steady")).pid, pid);
    });
  }
});
