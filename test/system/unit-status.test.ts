// `herd status` of units of a real supervisor: where they come from, why they are not up, and what of them is not applied, also
// in the eyes of a next supervisor.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bootSystem } from "../support/harness.js";

const lib = "root/usr/lib/systemd/system";

test("a unit's status", async (t) => {
  const system = await bootSystem(t, {
    config:
      'import { systemdUnits } from "shepherd-ts/systemd";\n' +
      'export const services = systemdUnits({ units: ["web", "off", "bad", "watch.path", "tick.timer"], root: "{directory}/root" });\n',
    files: {
      [`${lib}/web.service`]:
        "[Service]\nExecStart=/bin/sleep 1000\nSyslogLevel=info\nTTYReset=yes\nCPUAffinity=4000\n",
      [`${lib}/off.service`]:
        "[Unit]\nConditionPathExists=/nonexistent\n[Service]\nExecStart=/bin/sleep 1000\n",
      [`${lib}/bad.service`]: "[Service]\nType=oneshot\nExecStart=/bin/false\n",
      [`${lib}/job.service`]: "[Service]\nType=oneshot\nExecStart=/bin/true\n",
      [`${lib}/watch.path`]: "[Path]\nPathExists=/nonexistent/x\nUnit=job.service\n",
      [`${lib}/tick.timer`]: "[Timer]\nOnCalendar=*-*-* 03:00\nUnit=job.service\n",
    },
  });
  const pid = await system.untilProcess("web");
  await system.waitForLog(/bad/);
  const at = (name: string) => `${system.directory}/${lib}/${name}`.replace(`${system.directory}/root`, "");
  const web = async () => await system.ok("status", "web");
  assert.match(
    await web(),
    new RegExp(`^ {2}Unit: web\\.service, loaded from \\S*${at("web.service")}$`, "m"),
  );
  assert.match(await web(), /^ {4}- SyslogLevel=: there is no journal.*web\.service:3\)$/m);
  assert.match(
    await web(),
    /^ {4}- TTYReset=: terminals are neither reset nor hung up \(.*web\.service:4\)$/m,
  );
  // Nobody knows that before the start.
  assert.match(await web(), /^ {4}- CPUAffinity=: there is none of these CPUs \(.*web\.service\)$/m);
  const before = (await web()).match(/^ {4}- .*$/gm);
  await system.killDaemon();
  assert.equal((await system.service("web")).pid, pid);
  assert.deepEqual((await web()).match(/^ {4}- .*$/gm), before);

  await system.herd("start", "off");
  assert.match(
    await system.ok("status", "off"),
    /^ {2}Its last start was skipped: ConditionPathExists=\/nonexistent does not hold \(.*off\.service:2\)\.$/m,
  );
  assert.notEqual((await system.herd("start", "bad")).status, 0);
  assert.match(
    await system.ok("status", "bad"),
    /^ {2}Result: a process has exited with a failure \(exit-code\)\.$/m,
  );
  const path = await system.ok("status", "watch.path");
  assert.match(path, /^ {2}Watches:\n {4}- PathExists=\/nonexistent\/x\n {2}Starts: job$/m);
  assert.doesNotMatch(path, /Running value/);
  const timer = await system.ok("status", "tick.timer");
  assert.match(timer, /^ {2}Starts: job$/m);
  assert.match(timer, /^Upcoming timer alarms?:\n {2}.*03:00:00/m);
  t.diagnostic(`\n${await web()}\n${path}\n${timer}\n${await system.ok("status", "bad")}`);
  const json = JSON.parse(await system.ok("status", "--json", "web")) as {
    readonly unit: { readonly name: string };
  };
  assert.equal(json.unit.name, "web.service");
});
