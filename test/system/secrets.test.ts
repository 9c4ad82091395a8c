// Secrets of services, seen from outside: nothing that herd, the wire, logs or errors show has them, whatever becomes of the
// daemon, and the programs get them.

import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { gnuRequest } from "../support/wire.js";

const secret = "xyzzy-the-secret";
const sleeping = `["/bin/sh", "-c", 'echo "$1" >> "$2"; exec sleep 1000000', "sh", "--password=${secret}"`;

const config = `
import {
  calendarEvent, command, commandSucceeds, defineConfig, endpoint, makeForkexecConstructor, makeInetdConstructor,
  makeSystemConstructor, makeSystemdConstructor, makeTimerConstructor, service,
} from "shepherd-ts";

const secrets = ["${secret}"];
const never = calendarEvent({ hours: [4], minutes: [0], months: [2], daysOfMonth: [29] });
export default defineConfig({
  services: [
    service(["plain"], {
      start: makeForkexecConstructor([...${sleeping}], "{directory}/plain"], { secrets }),
      respawn: true,
      respawnDelay: 0,
    }),
    service(["function"], {
      start: () => makeForkexecConstructor([...${sleeping}], "{directory}/function"], { secrets })(),
    }),
    service(["eager"], {
      start: makeSystemdConstructor([...${sleeping}], "{directory}/eager"], [endpoint("{directory}/run/eager")], {
        secrets, lazyStart: false,
      }),
    }),
    service(["lazy"], {
      start: makeSystemdConstructor([...${sleeping}], "{directory}/lazy"], [endpoint("{directory}/run/lazy")], { secrets }),
    }),
    service(["inetd"], {
      start: makeInetdConstructor(["/bin/echo", "--password=${secret}"], [endpoint("{directory}/run/inetd")], { secrets }),
    }),
    service(["timer"], { start: makeTimerConstructor(never, command(["/bin/echo", "--password=${secret}"], { secrets })) }),
    service(["shell"], {
      autoStart: false,
      start: makeSystemConstructor("false --password=${secret}", { secrets }),
    }),
    service(["unready"], {
      autoStart: false,
      start: makeForkexecConstructor(["/bin/sleep", "1000000"], {
        secrets,
        readiness: commandSucceeds(["/bin/false", "--password=${secret}"], { attempts: 1 }),
      }),
    }),
    service(["reader"], {
      autoStart: false,
      start: makeForkexecConstructor(["/bin/sleep", "1000000"], { secretFiles: ["{directory}/password"] }),
    }),
  ],
});
`;

const names = ["plain", "function", "eager", "lazy", "inetd", "timer"];

describe("a secret", () => {
  const scope = suiteScope();
  let system: System;

  before(async () => {
    system = await bootSystem(scope, { config, files: { password: secret } });
    for (const name of names) await system.untilStatus(name, "running");
  });
  after(() => scope.close());

  /** All that anybody can be shown of the services. */
  async function shown(): Promise<string> {
    const overview = [await system.ok("status"), await system.ok("log"), await system.ok("status", "--json")];
    const wire = await Promise.all(
      [...names, "shell", "unready"].map(
        async (name) => (await system.rawRequest(gnuRequest("status", name))).text,
      ),
    );
    const herd = await Promise.all(names.map((name) => system.ok("status", name)));
    return [...overview, ...wire, ...herd, system.log(), system.stdout, system.stderr].join("\n");
  }

  it("reaches the programs", async () => {
    for (const name of ["plain", "function", "eager"])
      assert.equal(await system.waitForFile(name), `--password=${secret}\n`);
  });

  it("is shown to nobody, but masked", async () => {
    const text = await shown();
    assert.doesNotMatch(text, new RegExp(secret));
    assert.match(await system.ok("status", "plain"), /Command: .*--password=\*\*\*/);
    assert.match(await system.ok("status", "timer"), /--password=\*\*\*/);
    assert.match(system.log(), /Service plain running with value #<<process> .*--password=\*\*\*/);
  });

  it("is in no error", async () => {
    for (const [name, message] of [
      ["shell", /command "false --password=\*\*\*" exited with 1/],
      ["unready", /readiness: command "\/bin\/false --password=\*\*\*": exited with 1/],
    ] as const) {
      const { status, stdout, stderr } = await system.herd("start", name);
      assert.equal(status, 1);
      assert.match(stdout + stderr, message);
      assert.doesNotMatch(stdout + stderr, new RegExp(secret));
    }
  });

  it("stays masked in the next daemon, and still reaches a process that is respawned there", async () => {
    const pid = await system.untilProcess("plain");
    await system.killDaemon();
    assert.equal(await system.untilProcess("plain"), pid);
    assert.match(await system.ok("status", "plain"), /Command: .*--password=\*\*\*/);
    system.kill(pid, "SIGKILL");
    await system.untilProcess("plain", pid);
    await system.waitFor(
      "it has got it again",
      () => system.read("plain") === `--password=${secret}\n`.repeat(2),
    );
    assert.doesNotMatch(await shown(), new RegExp(secret));
  });

  it("lies in no file of ours that others can read", () => {
    const open = filesBelow(system.directory).filter(
      (file) => (statSync(file).mode & 0o077) !== 0 && readFileSync(file, "utf8").includes(secret),
    );
    const ours = open.filter(
      (file) => !["plain", "function", "eager", "config.ts", "password"].includes(file.replace(/.*\//, "")),
    );
    assert.deepEqual(ours, []);
  });

  it("in a file that others can read keeps a service from starting", async () => {
    chmodSync(system.path("password"), 0o644);
    const refused = await system.herd("start", "reader");
    assert.equal(refused.status, 1);
    assert.match(
      refused.stdout + refused.stderr,
      /Failed to start reader: secret file \S+\/password \(mode 0644\): everybody has access to it/,
    );
    chmodSync(system.path("password"), 0o600);
    await system.ok("start", "reader");
    await system.untilStatus("reader", "running");
  });
});

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}
