// The keeper as PID 1 of a whole machine, under a kernel of its own: what it mounts, how the machine goes down, and
// that the daemon's death, or its silence, changes neither.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import type { Scope } from "../support/harness.js";
import { bootMachine, findKernel, type Machine } from "../support/qemu.js";
import { installation, node, writeImage } from "./image.js";

/** Says when it is told to end, so that the order of the end can be read from the console. */
const talker = (name: string, fields: string): string => {
  const script = `trap "echo ${name} says goodbye; exit 0" TERM; echo ${name} is up; while :; do sleep 1000 & wait $!; done`;
  return `service(["${name}"], { start: ${shell(script)}, stop: makeKillDestructor(), respawn: true, respawnDelay: 0, ${fields} })`;
};

const config = configuration([
  talker("database", ""),
  talker("web", 'requirement: ["database"]'),
  // The tests' hand inside.
  `service(["agent"], { start: makeForkexecConstructor(["/bin/sh", "/etc/agent"]), stop: makeKillDestructor() })`,
]);

const daemonProgram = `${installation}/dist/shepherd.cjs`;
/** Without the launcher: so it does not depend on a shell. */
const keeper = ["/init", "--grace=3", node, daemonProgram] as const;

const found = await findKernel();
const skip = typeof found === "string" ? found : false;
const kernel = typeof found === "string" ? "" : found.file;

describe("a machine", { skip }, () => {
  let directory = "";
  let image = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "shepherd-image-"));
    image = join(directory, "image");
    await writeImage(image, config);
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const boot = async (scope: Scope, init: readonly [string, ...string[]] = keeper): Promise<Machine> => {
    const machine = await bootMachine(scope, { kernel, image, init });
    await machine.ready();
    await serviceProcess(machine, "web");
    return machine;
  };

  it("boots with nothing mounted, keeps its services running, and is switched off by herd", async (t) => {
    const machine = await boot(t);
    const mounts = (await machine.ok("cat /proc/mounts")).split("\n").map((line) => line.split(" "));
    const typeOf = (path: string): string | undefined => mounts.find(([, where]) => where === path)?.[2];
    assert.deepEqual(
      ["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/run", "/sys/fs/cgroup"].map(typeOf),
      ["proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "tmpfs", "cgroup2"],
    );
    assert.equal(await machine.ok("stat -c %a /dev/shm /run /dev/ptmx"), "1777\n755\n666\n");
    assert.equal(await machine.ok("readlink /proc/1/exe"), `${installation}/dist/native/keeper\n`);
    assert.match(await machine.ok("herd status"), /^Started:\n \+ agent\n \+ database\n \+ root\n \+ web\n$/);

    const first = await serviceProcess(machine, "web");
    await machine.ok(`kill -9 ${first}`);
    await serviceProcess(machine, "web", first);

    machine.tell("herd power-off root");
    assert.equal(await machine.waitForEnd(), 0);
    assertOrderlyEnd(machine, "Power down");
  });

  it("ctrl-alt-del stops everything and reboots", async (t) => {
    const machine = await boot(t, ["/usr/bin/shepherd"]);
    machine.press("ctrl-alt-delete");
    assert.equal(await machine.waitForEnd(), 0);
    assertOrderlyEnd(machine, "Restarting system");
  });

  it("survives its daemon, and goes down without one that only dies", async (t) => {
    const machine = await boot(t);
    const services = ["agent", "database", "web"];
    const processes = (): Promise<string[]> =>
      Promise.all(services.map((name) => serviceProcess(machine, name)));
    const alive = await processes();
    const first = await daemonProcess(machine);
    await machine.ok(`kill -9 ${first}`);
    assert.notEqual(await daemonProcess(machine, first), first);
    assert.deepEqual(await processes(), alive);

    await machine.ok(`echo 'console.error("no daemon"); process.exit(9)' > ${daemonProgram}`);
    await machine.ok(`kill -9 ${await daemonProcess(machine)}`);
    // By then the next one is due only after a while.
    await machine.waitFor("it died often", () => machine.console.split("no daemon").length > 3);
    for (const pid of alive) await machine.ok(`kill -0 ${pid}`);
    machine.tell("kill -TERM 1");
    assert.equal(await machine.waitForEnd(), 0);
    assertLonelyEnd(machine, constants.signals.SIGTERM, "Restarting system");
  });

  it("is switched off by PWR although its daemon is stopped", async (t) => {
    const machine = await boot(t);
    await machine.ok(`kill -STOP ${await daemonProcess(machine)}`);
    machine.tell("kill -PWR 1");
    assert.equal(await machine.waitForEnd(), 0);
    assertLonelyEnd(machine, constants.signals.SIGPWR, "Power down");
  });
});

/** The process of a service that runs, once that is another than `previous`. */
function serviceProcess(machine: Machine, name: string, previous?: string): Promise<string> {
  return machine.waitFor(`service ${name} has a new process`, async () => {
    const { stdout } = await machine.run(`herd status ${name}`);
    const pid = stdout.match(/^ *Main PID: (\d+)$/m)?.[1];
    return pid === previous ? undefined : pid;
  });
}

/** The daemon's process, once that is another than `previous`: between two commands no other process runs Node. */
function daemonProcess(machine: Machine, previous?: string): Promise<string> {
  return machine.waitFor("a new daemon lives", async () => {
    const { stdout } = await machine.run("ls -l /proc/[0-9]*/exe 2>/dev/null");
    const pid = stdout.match(/\/proc\/(\d+)\/exe -> \/usr\/bin\/node$/m)?.[1];
    return pid === previous ? undefined : pid;
  });
}

/** Services ended dependents first, and their last words and the daemon's are on the console; `]` ends a label. */
function assertOrderlyEnd(machine: Machine, kernelsWord: string): void {
  const end = `reboot: ${kernelsWord}`;
  // Services and daemon write to pipes of their own, so that only the lines of each kind have an order.
  assertOnConsole(machine, ["] web says goodbye", "] database says goodbye", end]);
  assertOnConsole(machine, ["Service web stopped", "Service database stopped", "Exiting.", end]);
}

/** The keeper ended everything alone, after which the kernel did as it was told. */
function assertLonelyEnd(machine: Machine, signal: number, kernelsWord: string): void {
  assertOnConsole(machine, [`nobody has taken signal ${signal}: finishing`, `reboot: ${kernelsWord}`]);
}

/** These texts, in this order. */
function assertOnConsole(machine: Machine, texts: readonly string[]): void {
  let from = 0;
  for (const text of texts) {
    const at = machine.console.indexOf(text, from);
    assert.ok(at >= 0, `not on the console, or too early: ${text}\n${machine.explain()}`);
    from = at + text.length;
  }
}
