// halt, poweroff, reboot and shutdown, with a keeper that is PID 1 of a namespace, and with one that is not.

import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { bootSystem, type System } from "../support/harness.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";

const config = `
import { makeForkexecConstructor, registerServices, service, startInTheBackground } from "shepherd-ts";
registerServices([service(["web"], { start: makeForkexecConstructor(["sleep", "1000"]) })]);
startInTheBackground(["web"]);
`;

const power = (system: System, program: string, ...args: readonly string[]): Promise<Outcome> =>
  run(join(project.bin, program), ["-s", system.socket, ...args]);

for (const line of ["halt", "poweroff", "reboot", "shutdown -h now", "shutdown -r now The kernel is old"]) {
  const [program = "", ...args] = line.split(" ");
  it(`${line} ends the system, and succeeds`, async (t) => {
    const system = await bootSystem(t, { config });
    await system.untilProcess("web");
    const [{ status, stderr }] = await Promise.all([power(system, program, ...args), system.waitForEnd()]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    const log = system.log();
    assert.match(log, /Service web is now stopped\.[\s\S]*Exiting\./);
    if (args.includes("kernel")) assert.match(log, /The kernel is old/);
  });
}

it("a shutdown at a later time is shown, outlives the daemon, and can be cancelled", async (t) => {
  const system = await bootSystem(t, { config });
  const { stdout, status } = await power(system, "shutdown", "-r", "+5", "back", "soon");
  assert.equal(status, 0);
  const scheduled = /^Shutdown \(reboot\) scheduled for \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: back soon\n$/;
  assert.match(stdout, scheduled);
  assert.match(system.log(), /Shutdown \(reboot\) scheduled for .*: back soon/);
  const shown = /^ {2}Shutdown \(reboot\) scheduled for .* \(in \d+ (?:seconds|minutes)\): back soon$/m;
  assert.match(await system.ok("status", "root"), shown);
  await system.killDaemon();
  assert.match(await system.ok("status", "root"), shown);
  assert.match((await power(system, "shutdown", "-P", "+7")).stdout, /^Shutdown \(power-off\) scheduled/);
  assert.match(
    await system.ok("status", "root"),
    /Shutdown \(power-off\) scheduled for .* \(in \d+ minutes\)$/m,
  );
  assert.deepEqual(await power(system, "shutdown", "-c"), {
    status: 0,
    stdout: "The shutdown is cancelled.\n",
    stderr: "",
  });
  await system.killDaemon();
  assert.doesNotMatch(await system.ok("status", "root"), /scheduled/);
  assert.equal((await power(system, "shutdown", "-c")).stdout, "There is no shutdown scheduled.\n");
});

it("what cannot be done is refused, with the reason", async (t) => {
  const system = await bootSystem(t, { config, init: false });
  for (const program of ["halt", "poweroff", "reboot"]) {
    const { status, stderr } = await power(system, program);
    assert.equal(status, 1);
    assert.match(stderr, /shepherd is not PID 1 here, so the system is not its own; use 'herd stop root'/);
    assert.match(stderr, new RegExp(`^${program}: error: `));
  }
  assert.match((await power(system, "shutdown", "+5")).stderr, /cannot power-off: shepherd is not PID 1/);
  assert.match((await power(system, "reboot", "-k")).stderr, /cannot kexec: shepherd is not PID 1/);
  assert.match(await system.ok("status", "web"), /running/);

  const mistakes = [
    ["halt", ["-f"], /^halt: error: option '--force' is refused: only shepherd, /],
    ["halt", ["now"], /^halt: error: unexpected argument 'now'\nhalt: hint: Try '--help'\.\n$/],
    ["reboot", ["--bogus"], /^reboot: error: unknown option '--bogus'/],
    // Elsewhere it only warns.
    ["shutdown", ["-k", "now"], /^shutdown: error: unknown option '-k'/],
    [
      "shutdown",
      ["-r", "-h", "now"],
      /^shutdown: error: options for power-off and reboot exclude each other/,
    ],
  ] as const;
  for (const [program, args, expected] of mistakes) {
    const { status, stderr } = await power(system, program, ...args);
    assert.equal(status, 1);
    assert.match(stderr, expected);
  }
  const nobody = await run(join(project.bin, "poweroff"), ["-s", system.path("nothing")]);
  assert.deepEqual(
    { status: nobody.status, stderr: nobody.stderr },
    { status: 1, stderr: `poweroff: error: ${system.path("nothing")}: No such file or directory\n` },
  );
});

it("without another kernel nothing is done", async (t) => {
  const system = await bootSystem(t, { config });
  for (const line of [
    ["reboot", "-k"],
    ["shutdown", "--kexec", "now"],
    ["shutdown", "--kexec", "+5"],
  ] as const) {
    const [program, ...args] = line;
    const { status, stdout } = await power(system, program, ...args);
    assert.deepEqual({ status, stdout }, { status: 1, stdout: "No kexec image loaded; doing nothing.\n" });
  }
  assert.doesNotMatch(await system.ok("status", "root"), /scheduled/);
});

it("a time that is none is refused by the daemon", async (t) => {
  const system = await bootSystem(t, { config });
  for (const time of ["later", "+x", "25:00", "+9999999", ""]) {
    const { status, stderr } = await power(system, "shutdown", time);
    assert.equal(status, 1);
    assert.match(stderr, /shutdown: expected a time as 'now', '\+MINUTES' or 'HH:MM', got/);
  }
  const { status, stderr } = await system.herd("shutdown", "root", "explode", "now");
  assert.equal(status, 1);
  assert.match(stderr, /expected one of power-off, halt, reboot, kexec, got "explode"/);
});
