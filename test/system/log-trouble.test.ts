// A full disk and a read-only one: the services go on, their last lines are kept, and everybody can see why.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { it, type TestContext } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { run } from "../support/run.js";

const stamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;

/** A system whose service `web` logs to a disk of its own and prints a numbered line for each byte of a FIFO. */
async function bootOnDisk(t: TestContext, options: string): Promise<System> {
  const script =
    "exec 3<>{directory}/fifo; i=0; while head -c 1 <&3 >/dev/null; do i=$((i+1)); printf '%d %01000d\\n' $i 0; done";
  const mount = `mkfifo {directory}/fifo; mkdir {directory}/disk && mount -t tmpfs -o ${options} none {directory}/disk`;
  const system = await bootSystem(t, {
    config: configuration([
      `service(["disk"], { start: makeSystemConstructor(${JSON.stringify(mount)}) })`,
      `service(["web"], {
         requirement: ["disk"],
         start: ${shell(script, '{ logFile: "{directory}/disk/web.log" }')},
       })`,
    ]),
  });
  await system.untilProcess("web");
  return system;
}

function print(system: System, lines: number): void {
  writeFileSync(system.path("fifo"), "x".repeat(lines));
}

/** The lines of the file on its disk, which is mounted only in there: each line's first word. */
function onDisk(system: System): string[] {
  const file = `/proc/${system.keeper()}/root${system.path("disk/web.log")}`;
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [""];
  assert.equal(lines.pop(), "", "the file ends with a whole line");
  return lines.map((line) => {
    assert.match(line, stamp);
    return line.slice(20).replace(/ 0+$/, "");
  });
}

async function remount(system: System, options: string): Promise<void> {
  const target = system.path("disk");
  const { status, stderr } = await run("nsenter", [
    "--mount",
    `--target=${system.keeper()}`,
    "mount",
    "-o",
    `remount,${options}`,
    target,
  ]);
  assert.equal(status, 0, stderr);
}

async function untilShown(system: System, reason: string, lost: number): Promise<void> {
  const expected = `Log trouble: write ${system.path("disk/web.log")}: ${reason}; ${lost} lines lost; the last lines are kept in `;
  await system.waitFor(`the trouble is shown with ${lost} lines`, async () =>
    (await system.ok("status", "web")).includes(expected),
  );
}

async function untilRecovered(system: System, printed: number): Promise<void> {
  let last = printed;
  // A file that failed is not tried again with each line.
  await system.waitFor("lines are written again", () => {
    const done = onDisk(system).some((line) => /lines lost/.test(line));
    if (!done) print(system, 1);
    last += done ? 0 : 1;
    return done;
  });
  await system.waitFor("the last line is there", () => onDisk(system).at(-1) === String(last));
  await system.waitFor(
    "the trouble is over",
    async () => !(await system.ok("status", "web")).includes("Log trouble"),
  );
}

it("a full disk costs only lines, which are counted, and their end is kept", async (t) => {
  const system = await bootOnDisk(t, "size=64k");
  const pid = await system.untilProcess("web");
  print(system, 100);
  await system.waitFor("the last line is kept", async () =>
    / 100 0+$/m.test(await system.ok("status", "web")),
  );
  const written = onDisk(system).length;
  assert.deepEqual(
    onDisk(system),
    Array.from({ length: written }, (_, index) => String(index + 1)),
  );
  assert.ok(written > 10 && written < 90, `${written} lines fit`);
  await untilShown(system, "No space left on device", 100 - written);
  // A daemon that was not there when it began knows it too.
  await system.killDaemon();
  await untilShown(system, "No space left on device", 100 - written);
  await remount(system, "size=4m");
  await untilRecovered(system, 100);
  const lines = onDisk(system);
  const lost = Number(/^(\d+) lines lost: No space left on device$/.exec(lines[written] ?? "")?.[1]);
  assert.ok(lost >= 100 - written);
  assert.equal(lines[written + 1], String(written + lost + 1));
  assert.equal(await system.untilProcess("web"), pid);
});

it("a read-only disk keeps no service from starting", async (t) => {
  const system = await bootOnDisk(t, "ro");
  print(system, 3);
  await untilShown(system, "Read-only file system", 3);
  assert.match(await system.ok("status", "web"), / 3 0+$/m);
  await remount(system, "rw");
  await untilRecovered(system, 3);
  assert.match(onDisk(system)[0] ?? "", /^\d+ lines lost: Read-only file system$/);
});
