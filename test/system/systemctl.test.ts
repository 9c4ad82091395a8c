// systemctl over a real supervisor, as a person and as Debian's package scripts call it: deb-systemd-helper,
// deb-systemd-invoke, invoke-rc.d and service.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { suiteScope } from "../support/harness.js";
import { type OwnRoot, startInOwnRoot, whyNoOwnRoot } from "../support/own-root.js";
import { project } from "../support/project.js";

const unit = (more: string) => ({ text: `[Unit]\nDefaultDependencies=no\nDescription=It\n${more}` });
const lib = "/usr/lib/systemd/system";
const helpers = ["deb-systemd-helper", "deb-systemd-invoke"].map((name) => `/usr/bin/${name}`);

const skip =
  whyNoOwnRoot() ||
  (helpers.every((name) => existsSync(name)) ? false : "Debian's init-system-helpers are not installed");

describe("systemctl", { skip }, () => {
  const scope = suiteScope();
  let root: OwnRoot;

  before(async () => {
    root = await startInOwnRoot(scope, {
      command: [join(project.bin, "shepherd"), "--config", "/etc/units.ts"],
      files: {
        "/etc/units.ts": {
          text:
            'import { systemdUnits } from "shepherd-ts/systemd";\n' +
            'export const services = systemdUnits({ target: "goal" });\n',
        },
        "/etc/systemd/system/goal.target": unit(""),
        [`${lib}/fails.service`]: unit("[Service]\nType=oneshot\nExecStart=/bin/false\n"),
        [`${lib}/once.service`]: unit("[Service]\nType=oneshot\nExecStart=/bin/true\nRemainAfterExit=yes\n"),
        [`${lib}/cond.service`]: unit("ConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/sleep 1000\n"),
        [`${lib}/listens.socket`]: unit("[Socket]\nListenStream=/run/listens\n"),
        [`${lib}/listens.service`]: unit("[Service]\nExecStart=/bin/sleep 1000\n"),
      },
    });
    await root.waitFor(
      "the supervisor answers",
      async () => (await root.herd("status", "systemd")).status === 0,
    );
    // As in a container whose init is ours; what a builder of images has put in the way of package scripts is gone.
    await root.ok(
      "sh",
      "-c",
      `rm -f /usr/sbin/policy-rc.d; ln -sf '${project.bin}/systemctl' /usr/bin/systemctl`,
    );
  });
  after(() => scope.close());

  /** What a shell command does. */
  async function sh(
    command: string,
  ): Promise<readonly [status: number | null, output: string, errors: string]> {
    const { status, stdout, stderr } = await root.run(["sh", "-c", command]);
    return [status, stdout.trim(), stderr.trim()];
  }

  /** A package is unpacked: its unit and its script for an init of the old kind. */
  async function unpack(): Promise<void> {
    const text =
      "[Unit]\\nDefaultDependencies=no\\n[Service]\\nExecStart=/bin/sleep 1000\\n" +
      "ExecReload=/bin/touch /run/reloaded\\n[Install]\\nWantedBy=goal.target\\n";
    await root.ok(
      "sh",
      "-c",
      `printf '${text}' >${lib}/web.service; printf '#!/bin/sh\\nexit 9\\n' >/etc/init.d/web`,
    );
    await root.ok("chmod", "755", "/etc/init.d/web");
  }

  it("units are loaded as they are asked for, and their states told", async () => {
    assert.deepEqual(await sh("systemctl is-active once"), [3, "inactive", ""]);
    assert.deepEqual(await sh("systemctl start once && systemctl is-active once"), [0, "active", ""]);
    assert.deepEqual(await sh("systemctl -q is-active once cond"), [0, "", ""]);
    assert.deepEqual(await sh("systemctl show -p SubState -p Result --value once"), [
      0,
      "exited\nsuccess",
      "",
    ]);
    assert.deepEqual(await sh("systemctl stop once; systemctl is-active once"), [3, "inactive", ""]);
    const [status, output] = await sh("systemctl status goal.target");
    assert.equal(status, 0);
    assert.match(
      output,
      /^● goal\.target - It\n +Loaded: loaded \(.*goal\.target; static\)\n +Active: active \(active\)/,
    );
  });

  it("what does not exist, fails, or is masked has systemctl's exit statuses", async () => {
    assert.deepEqual(await sh("systemctl start absent"), [
      5,
      "",
      "Failed to start absent.service: Unit absent.service not found.",
    ]);
    assert.equal((await sh("systemctl stop absent"))[0], 5);
    assert.deepEqual(await sh("systemctl status absent"), [4, "", "Unit absent.service could not be found."]);
    assert.deepEqual(await sh("systemctl show -p LoadState absent"), [0, "LoadState=not-found", ""]);
    const [status, , errors] = await sh("systemctl start fails");
    assert.equal(status, 1);
    assert.match(errors, /exited with 1[\s\S]*Job for fails\.service failed\./);
    assert.deepEqual(await sh("systemctl is-failed fails"), [0, "failed", ""]);
    assert.deepEqual(await sh("systemctl is-system-running"), [1, "degraded", ""]);
    assert.equal((await sh("systemctl status fails"))[0], 3);
    assert.deepEqual(await sh("systemctl reset-failed && systemctl is-failed fails"), [1, "inactive", ""]);
    assert.deepEqual(await sh("systemctl is-system-running"), [0, "running", ""]);
    assert.equal((await sh("systemctl mask once"))[0], 0);
    assert.deepEqual(await sh("systemctl start once"), [
      1,
      "",
      "Failed to start once.service: Unit once.service is masked.",
    ]);
    assert.equal((await sh("systemctl unmask once && systemctl start once"))[0], 0);
  });

  it("a unit whose condition does not hold is told of, and that is no failure", async () => {
    const [status, , errors] = await sh("systemctl start cond");
    assert.equal(status, 0);
    assert.match(errors, /cond\.service was not started: ConditionPathExists=\/nowhere does not hold/);
  });

  it("a package is installed, upgraded and removed by Debian's scripts", async () => {
    await unpack();
    const helper = "DPKG_MAINTSCRIPT_PACKAGE=web deb-systemd-helper";
    await sh(`${helper} unmask web.service`);
    assert.equal((await sh(`${helper} --quiet was-enabled web.service`))[0], 0);
    assert.equal((await sh(`DPKG_MAINTSCRIPT_NAME=postinst ${helper} enable web.service`))[0], 0);
    assert.equal((await sh(`${helper} update-state web.service`))[0], 0);
    assert.deepEqual(await sh("systemctl is-enabled web"), [0, "enabled", ""]);
    assert.equal((await sh("systemctl --system daemon-reload"))[0], 0);
    assert.equal((await sh("deb-systemd-invoke start web.service"))[0], 0);
    const [, first] = await sh("systemctl show -p MainPID --value web");
    assert.match(first, /^[1-9]\d*$/);
    assert.equal((await sh("deb-systemd-invoke restart web.service"))[0], 0);
    const [, second] = await sh("systemctl show -P MainPID web");
    assert.notEqual(second, first);
    // A unit that nothing enables is not started by a package.
    const [status, , errors] = await sh("deb-systemd-invoke start once.service; systemctl stop once");
    assert.equal(status, 0);
    assert.match(errors, /once\.service is a disabled or a static unit, not starting it/);
    assert.equal((await sh("DPKG_MAINTSCRIPT_NAME=prerm deb-systemd-invoke stop web.service"))[0], 0);
    assert.deepEqual(await sh("systemctl is-active web"), [3, "inactive", ""]);
    assert.equal(
      (await sh(`rm ${lib}/web.service; ${helper} purge web.service; systemctl daemon-reload`))[0],
      0,
    );
    assert.equal((await sh("ls /etc/systemd/system/goal.target.wants/web.service"))[0], 2);
    assert.equal((await sh("systemctl start web"))[0], 5);
  });

  it("service and invoke-rc.d use it", async () => {
    await unpack();
    assert.equal((await sh("systemctl daemon-reload; systemctl enable web"))[0], 0);
    // Where systemd-sysv is installed this is a link to systemctl.
    await root.ok("ln", "-sf", "/usr/bin/systemctl", "/sbin/runlevel");
    assert.deepEqual(await sh("runlevel"), [0, "N 5", ""]);
    assert.deepEqual(await sh("invoke-rc.d web start"), [0, "", ""]);
    assert.equal((await sh("service web status"))[0], 0);
    assert.equal((await sh("service web reload && ls /run/reloaded"))[0], 0);
    assert.equal((await sh("rm /run/reloaded; invoke-rc.d web force-reload; ls /run/reloaded"))[0], 0);
    assert.equal((await sh("service web restart && invoke-rc.d web restart"))[0], 0);
    assert.equal((await sh("service web stop"))[0], 0);
    assert.deepEqual(await sh("systemctl is-active web"), [3, "inactive", ""]);
    assert.equal((await sh("service web status"))[0], 3);
    assert.equal((await sh("invoke-rc.d web stop"))[0], 0);
  });

  it("sockets, patterns, signals, lists and the supervisor itself", async () => {
    assert.equal((await sh("systemctl --no-block start listens.socket"))[0], 0);
    await root.waitFor(
      "the socket listens",
      async () => (await sh("systemctl is-active listens.socket"))[0] === 0,
    );
    assert.deepEqual(await sh("systemctl show -p Triggers listens.socket"), [
      0,
      "Triggers=listens.service",
      "",
    ]);
    assert.deepEqual(await sh("systemctl show -P TriggeredBy listens"), [0, "listens.socket", ""]);
    assert.match(
      (await sh("systemctl list-units --type=socket --no-legend"))[1],
      /^listens\.socket +loaded active listening It$/,
    );
    assert.equal((await sh("systemctl stop 'listens*'"))[0], 0);
    assert.equal((await sh("systemctl start listens && systemctl kill -s KILL listens"))[0], 0);
    await root.waitFor("it has been killed", async () => (await sh("systemctl is-failed listens"))[0] === 0);
    assert.equal((await sh("systemctl show -P Result listens"))[1], "signal");
    // What is ours is no unit.
    assert.equal((await sh(`systemctl stop '*'; ${project.bin}/herd status systemd`))[0], 0);
    assert.equal((await sh("systemctl daemon-reexec"))[0], 0);
    await root.waitFor(
      "the next supervisor answers",
      async () => (await sh("systemctl is-active once"))[0] === 3,
    );
    const [status, output] = await sh("systemctl cat listens.socket");
    assert.equal(status, 0);
    assert.match(output, /^# \/.*listens\.socket\n\[Unit\]/);
  });

  it("in a chroot of a system that does not run commands are passed over", async () => {
    const names = ["bin", "lib", "lib64", "usr", "proc", "etc", project.root.split("/")[1]];
    const mounts =
      `mkdir -p /srv/other; mount -t tmpfs tmpfs /srv/other; cd /; for name in ${names.join(" ")}; do [ -L $name ] && ` +
      "cp -P $name /srv/other || { mkdir /srv/other/$name && mount --rbind $name /srv/other/$name || exit 1; }; done";
    assert.deepEqual(await sh(mounts), [0, "", ""]);
    const [status, , errors] = await sh(`chroot /srv/other '${project.bin}/systemctl' start once`);
    assert.deepEqual([status, errors], [0, "Running in chroot, ignoring command 'start'"]);
  });

  it("poweroff ends the system", async () => {
    await root.run(["systemctl", "poweroff"]);
    await root.ended;
    assert.ok(root.hasEnded);
  });
});
