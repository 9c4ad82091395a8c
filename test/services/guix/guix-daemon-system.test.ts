// guix-daemon's service in a whole system, with Debian's nix-daemon in the place of guix-daemon: when it counts as started,
// what its actions do, and what becomes of it when the supervisor dies.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { addTextToStore, withStore } from "../../../src/store/index.js";
import { withoutNix } from "../../store/nix-daemon.js";
import { bootSystem, type System, suiteScope } from "../../support/harness.js";

/** Writes down how it was run, waits until it may, and becomes nix-daemon. */
const program = `#!/bin/sh
printf '%s\\n' "$@" > {directory}/argv
/usr/bin/env > {directory}/environment
until [ -e {directory}/go ]; do /usr/bin/sleep 0.05; done
for name in conf home store var log tmp; do /usr/bin/mkdir -p {directory}/nix/$name; done
echo 'sandbox = false
build-users-group =
substituters =' > {directory}/nix/conf/nix.conf
export HOME={directory}/nix/home TMPDIR={directory}/nix/tmp NIX_REMOTE=local
export NIX_STORE_DIR={directory}/nix/store NIX_STATE_DIR={directory}/nix/var NIX_LOG_DIR={directory}/nix/log
export NIX_CONF_DIR={directory}/nix/conf NIX_DAEMON_SOCKET_PATH={directory}/socket
exec /usr/bin/nix-daemon
`;

const config = `
import { chmodSync } from "node:fs";
import {
  accountServiceType, activationServiceType, guixConfiguration, guixServiceType, operatingSystem, profileServiceType,
  removeServiceExtensions, service, shepherdRootServiceType, shepherdService, simpleService, softwarePackage,
  systemConfiguration, systemServiceType,
} from "shepherd-ts/system";

chmodSync("{directory}/bin/guix-daemon", 0o755);
// Nothing but the services: this is nobody's machine to change.
const daemonAlone = removeServiceExtensions(guixServiceType, [
  accountServiceType, activationServiceType, profileServiceType,
]);
export default systemConfiguration(operatingSystem({
  essentialServices: [service(systemServiceType, [])],
  services: [
    service(daemonAlone, guixConfiguration({
      guix: softwarePackage({ name: "guix", prefix: "{directory}" }),
      logFile: "{directory}/guix-daemon.log",
      socket: "{directory}/socket",
      httpProxy: "http://own.example.org:1",
    })),
    simpleService("others", shepherdRootServiceType, [
      shepherdService({ provision: ["user-processes"] }),
      shepherdService({ provision: ["publisher"], requirement: ["guix-daemon"] }),
    ]),
  ],
}));
`;

describe("guix-daemon", { skip: withoutNix }, () => {
  const scope = suiteScope();
  let system: System;

  before(async () => {
    system = await bootSystem(scope, { config, files: { "bin/guix-daemon": program } });
  });
  after(() => scope.close());

  const variables = (): readonly string[] => system.read("environment").split("\n");
  const item = (name: string): string => `${system.path("nix/store")}/${"a".repeat(32)}-${name}`;

  it("counts as started once it answers", async () => {
    await system.waitForFile("argv");
    assert.equal((await system.service("guix-daemon")).status, "starting");
    writeFileSync(system.path("go"), "");
    await system.untilStatus("guix-daemon", "running");
    await system.untilStatus("publisher", "running");
  });

  it("has run with the command and the environment of the table", () => {
    assert.deepEqual(system.read("argv").trimEnd().split("\n"), [
      "--build-users-group",
      "guixbuild",
      "--max-silent-time",
      "0",
      "--timeout",
      "0",
      "--log-compression",
      "gzip",
      "--discover=no",
      "--substitute-urls",
      "https://ci.guix.gnu.org https://bordeaux.guix.gnu.org",
    ]);
    for (const variable of [
      "LC_ALL=en_US.utf8",
      "PATH=/usr/bin",
      "http_proxy=http://own.example.org:1",
      "https_proxy=http://own.example.org:1",
    ])
      assert.ok(variables().includes(variable), variable);
  });

  it("is asked by actions", async () => {
    const invalid = await system.herd("valid-path", "guix-daemon", item("x"));
    assert.equal(invalid.status, 1);
    assert.equal(invalid.stdout, `${item("x")} is not valid.\n`);
    const valid = await addToStore(system);
    assert.equal(await system.ok("valid-path", "guix-daemon", valid), `${valid} is valid.\n`);
    assert.match(await system.ok("verify", "guix-daemon", "contents"), /The store is well\.\n$/);
    assert.match(await system.ok("gc", "guix-daemon"), /1 store items deleted, \d+ bytes freed\.\n$/);
    assert.equal((await system.herd("valid-path", "guix-daemon", valid)).status, 1);
  });

  it("says what is wrong with what it is asked", async () => {
    const { status, stdout, stderr } = await system.herd("valid-path", "guix-daemon", "/etc/passwd");
    assert.equal(status, 1);
    assert.match(stdout + stderr, /\/etc\/passwd.* is not in the .*store/);
    const gc = await system.herd("gc", "guix-daemon", "2G");
    assert.match(gc.stdout + gc.stderr, /gc: expected a number of bytes/);
  });

  it("gets another proxy, by a restart that takes along what requires it", async () => {
    const pid = await system.untilProcess("guix-daemon");
    assert.match(
      await system.ok("set-http-proxy", "guix-daemon", "http://me:hunter2@proxy.example.org:3128"),
      /Changing the HTTP\(S\) proxy of 'guix-daemon' to "http:\/\/\*\*\*@proxy\.example\.org:3128"/,
    );
    const next = await system.untilProcess("guix-daemon", pid);
    assert.ok(variables().includes("https_proxy=http://me:hunter2@proxy.example.org:3128"));
    await system.untilStatus("publisher", "running");
    // It holds for respawns too.
    system.kill(next, "SIGKILL");
    await system.untilProcess("guix-daemon", next);
    assert.ok(variables().includes("https_proxy=http://me:hunter2@proxy.example.org:3128"));
    await system.ok("set-http-proxy", "guix-daemon");
    assert.ok(variables().includes("https_proxy=http://own.example.org:1"));
    assert.ok(!system.log().includes("hunter2"));
  });

  it("discovers substitute servers when it is told to", async () => {
    await system.ok("discover", "guix-daemon", "on");
    assert.match(system.read("argv"), /^--discover=yes$/m);
    await system.ok("discover", "guix-daemon", "off");
    assert.match(system.read("argv"), /^--discover=no$/m);
  });

  it("is started anew where the supervisor dies meanwhile", async () => {
    await system.ok("stop", "guix-daemon");
    rmSync(system.path("go"));
    rmSync(system.path("argv"));
    const starting = system.herd("start", "guix-daemon");
    await system.waitForFile("argv");
    await system.killDaemon();
    writeFileSync(system.path("go"), "");
    await starting;
    await system.untilStatus("guix-daemon", "running");
    assert.equal(
      (await system.herd("valid-path", "guix-daemon", item("y"))).stdout,
      `${item("y")} is not valid.\n`,
    );
  });

  it("is not asked where it does not run, and a start can be given up", async () => {
    await system.ok("stop", "guix-daemon");
    const { stdout, stderr } = await system.herd("valid-path", "guix-daemon", item("x"));
    assert.match(stdout + stderr, /guix-daemon is not running/);
    rmSync(system.path("go"));
    rmSync(system.path("argv"));
    const starting = system.herd("start", "guix-daemon");
    await system.waitForFile("argv");
    await system.ok("stop", "guix-daemon");
    assert.notEqual((await starting).status, 0);
    assert.equal((await system.service("guix-daemon")).status, "stopped");
    // What changes its settings starts it.
    writeFileSync(system.path("go"), "");
    await system.ok("discover", "guix-daemon", "on");
    assert.equal((await system.service("guix-daemon")).status, "running");
    assert.match(system.read("argv"), /^--discover=yes$/m);
  });
});

/** Adds a text to the store of the system's daemon, and gives its name. */
async function addToStore(system: System): Promise<string> {
  return await withStore((store) => addTextToStore(store, "text", "some text"), system.path("socket"), {
    storeDirectory: system.path("nix/store"),
  });
}
