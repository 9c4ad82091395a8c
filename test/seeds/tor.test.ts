// The manual's tor example with the real program, and its configuration action.

import assert from "node:assert/strict";
import { it } from "node:test";
import { account } from "../support/accounts.js";
import { configuration } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { run } from "../support/run.js";

it("tor runs under its own account, and cat $(herd configuration tor) shows its file", async (t) => {
  const torrc = "DataDirectory {directory}/tor\nDisableNetwork 1\nSocksPort 0\n";
  const system = await bootSystem(t, {
    config: configuration(
      [
        'service(["user-processes"], {})',
        'service(["loopback"], { oneShot: true })',
        'service(["syslogd"], {})',
        `shepherdService({
           provision: ["tor"],
           requirement: ["user-processes", "loopback", "syslogd"],
           start: makeForkexecConstructor(["tor", "-f", torrc], { user: "debian-tor", group: "debian-tor" }),
           stop: makeKillDestructor(),
           actions: [shepherdConfigurationAction(torrc)],
           documentation: "Run the Tor anonymous network overlay.",
         })`,
      ],
      'const torrc = "{directory}/torrc";',
    ),
    files: { torrc },
    directories: { tor: account("debian-tor") },
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  await system.untilStatus("tor", "running");
  const { stdout } = await run("sh", ["-c", `cat $(bin/herd -s '${system.socket}' configuration tor)`]);
  assert.equal(stdout, torrc.replaceAll("{directory}", system.directory));
  assert.equal(await system.ok("doc", "tor"), "Run the Tor anonymous network overlay.\n");
  assert.equal(
    await system.ok("doc", "tor", "list-actions").then((text) => /^configuration:/m.test(text)),
    true,
  );
});
