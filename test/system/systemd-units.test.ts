// Units of a directory tree as services of a real supervisor: loaded by a configuration and on demand, read anew, and kept
// over the supervisor's death; and a system that is set up for a target.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bootSystem, type System } from "../support/harness.js";
import { startInOwnRoot, whyNoOwnRoot } from "../support/own-root.js";
import { project } from "../support/project.js";

const lib = "root/usr/lib/systemd/system";
const sleeping = (more = ""): string => `[Service]\nExecStart=/bin/sleep 1000\n${more}`;

/** Writes a unit into the tree of a system; without a text it is removed. */
function put(system: System, name: string, text?: string): void {
  const file = join(system.directory, lib, name);
  mkdirSync(join(file, ".."), { recursive: true });
  if (text === undefined) rmSync(file);
  else writeFileSync(file, text);
}

test("a configuration's units run, change, come and go, and outlive the supervisor", async (t) => {
  const system = await bootSystem(t, {
    config:
      'import { systemdUnits } from "shepherd-ts/systemd";\n' +
      'export const services = systemdUnits({ target: "main-goal", root: "{directory}/root" });\n',
    files: {
      [`${lib}/main-goal.target`]: "[Unit]\nWants=a.service bad.service\n",
      [`${lib}/a.service`]: sleeping("Nonsense=1\n"),
      [`${lib}/bad.service`]: "[Service]\nExecStart=/bin/sleep 1\nExecStart=/bin/sleep 2\n",
      [`${lib}/loose.service`]: sleeping(),
    },
  });
  const first = await system.untilProcess("a");
  await system.waitForLog(/a\.service:3: unknown name "Nonsense" in \[Service\], the assignment is ignored/);
  const { stderr, stdout, status } = await system.herd("start", "bad");
  assert.notEqual(status, 0);
  assert.match(`${stdout}${stderr}${system.log()}`, /bad\.service: 2 commands in ExecStart=/);

  await system.ok("load", "systemd", "loose");
  const missing = await system.herd("load", "systemd", "absent");
  assert.notEqual(missing.status, 0);
  assert.match(`${missing.stdout}${missing.stderr}`, /Unit absent\.service not found\./);
  await system.ok("start", "loose");
  const loose = await system.untilProcess("loose");

  // Whatever the files say meanwhile, a new supervisor has what was in force.
  put(system, "a.service", sleeping("KillSignal=INT\n").replace("1000", "2000"));
  put(system, "new.service", sleeping());
  put(system, "main-goal.target", "[Unit]\nWants=a.service new.service\n");
  await system.killDaemon();
  assert.equal((await system.service("a")).pid, first);
  assert.equal((await system.service("loose")).pid, loose);
  assert.match(await system.ok("list-units", "systemd"), /^loose\.service running/m);
  assert.doesNotMatch(await system.ok("list-units", "systemd"), /^new\.service/m);

  const told = await system.ok("daemon-reload", "systemd");
  assert.match(told, /^a: changed, in force when it is started next$/m);
  assert.match(told, /^new: new$/m);
  assert.match(told, /^bad: gone$/m);
  assert.equal((await system.service("a")).pid, first);
  assert.equal((await system.service("new")).status, "stopped");
  await system.ok("restart", "a");
  const second = await system.untilProcess("a", first);
  assert.match(await system.ok("status", "a"), /sleep 2000/);

  put(system, "loose.service");
  assert.match(await system.ok("daemon-reload", "systemd"), /^loose: gone$/m);
  assert.equal((await system.service("loose")).pid, loose);
  await system.ok("stop", "loose");
  assert.notEqual((await system.herd("status", "loose")).status, 0);
  await system.killDaemon();
  assert.equal((await system.service("a")).pid, second);
});

const unitOf = (more: string): string => `[Unit]\nDefaultDependencies=no\n${more}`;

test("for a target PID 1 applies snippets and runs generators first", { skip: whyNoOwnRoot() }, async (t) => {
  const root = await startInOwnRoot(t, {
    command: [join(project.bin, "shepherd"), "--config", "/etc/units.ts"],
    files: {
      "/etc/units.ts": {
        text:
          'import { systemdUnits } from "shepherd-ts/systemd";\n' +
          'export const services = systemdUnits({ target: "goal" });\n',
      },
      "/etc/systemd/system/goal.target": { text: unitOf("Description=Goal\n") },
      "/etc/sysusers.d/unit-test.conf": { text: 'u unit-test - "Unit test" /nonexistent\n' },
      "/etc/tmpfiles.d/unit-test.conf": { text: "d /run/unit-test 0750 unit-test - -\n" },
      "/etc/systemd/system-generators/unit-test": {
        mode: 0o755,
        text:
          '#!/bin/sh\necho "made in $1, for $SYSTEMD_SCOPE"\nmkdir -p "$1/goal.target.wants"\n' +
          `printf '${unitOf("[Service]\\nExecStart=/bin/sleep 1000\\nUser=unit-test\\n").replaceAll("\n", "\\n")}' >"$1/made.service"\n` +
          'ln -s ../made.service "$1/goal.target.wants/made.service"\n',
      },
      "/etc/systemd/system-generators/unit-test-late": { mode: 0o755, text: "#!/bin/sh\nexit 3\n" },
    },
  });
  await root.waitFor("the unit that was made runs", async () => {
    const { stdout } = await root.herd("status", "made");
    return /running/.test(stdout);
  });
  assert.equal(await root.ok("stat", "-c", "%a %U", "/run/unit-test"), "750 unit-test\n");
  await root.ok("test", "-d", "/run/systemd/system");
  assert.match(root.output, /generator\/unit-test: made in \/run\/systemd\/generator, for system/);
  assert.match(root.output, /generator\/unit-test-late: it failed with status 3/);
});
