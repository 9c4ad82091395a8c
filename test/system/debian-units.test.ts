// Debian's packages where PID 1 is ours and systemctl is our own: apt installs them, and their services are up.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cases } from "../acceptance/cases.js";
import { bootDebian, install } from "../acceptance/install.js";
import { findDebian } from "../support/debian.js";
import { type OwnRoot, whyNoOwnRoot } from "../support/own-root.js";

const packages = [
  ...["nginx", "postgresql", "redis-server", "memcached", "cron", "openssh-server", "dbus", "avahi-daemon"],
  ...["haproxy", "stubby"],
];
/** By the name of their case; what is not enabled, or socket-activated, is not among them. */
const up = [
  "nginx",
  "redis-server",
  "cron",
  "ssh",
  "postgresql",
  "haproxy",
  "dbus",
  "avahi-daemon",
  "stubby",
];
const reason = whyNoOwnRoot();
const debian = reason === false ? await findDebian(packages) : reason;
const skip = typeof debian === "string" ? debian : false;

const ends: (() => Promise<void>)[] = [];
let machine: OwnRoot;

before(async () => {
  if (typeof debian !== "string")
    machine = await bootDebian({ after: (end) => void ends.push(end) }, debian.root);
});

after(async () => {
  for (const end of ends.reverse()) await end();
});

test("apt installs packages, whose services it starts", { skip, timeout: 300_000 }, async () => {
  const said = await install(machine, packages);
  assert.doesNotMatch(said, /Failed to (start|stop|restart|reload|enable)|systemctl:/);
  for (const name of up) {
    const one = cases.find((each) => each.name === name);
    assert.ok(one !== undefined);
    await machine.waitFor(`${name} serves`, async () => {
      const { status } = await machine.run(["sh", "-c", one.probe], { timeout: 10_000 });
      return status === 0;
    });
  }
  assert.match(
    await machine.shell("systemctl list-units --no-pager --state=failed"),
    /^0 loaded units listed/m,
  );
});

test("a package is upgraded, and purged, with its service", { skip, timeout: 120_000 }, async () => {
  await machine.shell("apt-get -y -qq install --reinstall memcached");
  assert.equal((await machine.shell("systemctl is-active memcached")).trim(), "active");
  await machine.shell("apt-get -y -qq purge memcached");
  const { status, stdout } = await machine.run(["systemctl", "is-active", "memcached"]);
  assert.equal(stdout.trim(), "inactive");
  assert.notEqual(status, 0);
});
