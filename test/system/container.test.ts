// What a hardened container gives: a root file system that is read-only, /run in memory, a user whom no account knows, of group 0,
// with no HOME, no capability and no way to more. The example's configuration, but for its own programs.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { children } from "../support/processes.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

const user = ["--reuid=12345", "--regid=0", "--clear-groups", "--bounding-set=-all", "--no-new-privs"];

/** Arguments: where the configuration is, then what becomes PID 1. What it has to write to is mounted before. */
const prepare = `set -eu
directory=$1
shift
mount --make-rprivate /
mount --rbind / "$directory/root"
cd "$directory/root"
mount -o remount,bind,ro .
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmpfs run
exec chroot . setpriv ${user.join(" ")} "$@"
`;

const skip =
  process.getuid?.() !== 0
    ? "needs root, to mount"
    : spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]).status !== 0 && "needs unshare";

const environment = {
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  XDG_RUNTIME_DIR: "/run",
  SHEPHERD_NODE: process.execPath,
};

async function start(t: TestContext, services: string, timeout: number) {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-container-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  assert.equal(spawnSync("mkdir", [join(directory, "root")]).status, 0);
  assert.equal(spawnSync("chmod", ["755", directory]).status, 0);
  const config = join(directory, "shepherd.ts");
  writeFileSync(
    config,
    `import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";
export default defineConfig({ services: [${services}], shutdownTimeout: ${timeout} });
`,
  );
  const child = spawn(
    "setpriv",
    [
      ...["--pdeathsig=KILL", "--", "unshare", "--mount", "--pid", "--fork", "--ipc", "--kill-child", "--"],
      ...["sh", "-c", prepare, "prepare", directory],
      ...[join(project.bin, "shepherd"), `--config=${config}`],
    ],
    { cwd: "/", env: environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  t.after(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await ended;
  });
  const init = (): number => {
    const [first] = child.pid === undefined ? [] : children(child.pid);
    if (first === undefined) throw new Error(`PID 1 is gone\n${output}`);
    return first;
  };
  const herd = (...args: readonly string[]) =>
    run(
      "nsenter",
      [
        ...[`--target=${init()}`, "--mount", "--pid", "--root", "--"],
        ...["setpriv", ...user, join(project.bin, "herd"), ...args],
      ],
      { env: environment, cwd: "/" },
    );
  const untilRunning = (name: string) =>
    waitFor(
      `${name} runs`,
      async () => {
        if (child.exitCode !== null) throw new Error(`PID 1 has ended\n${output}`);
        // Until unshare has made it, there is none.
        if (children(child.pid ?? 0).length === 0) return false;
        return (await herd("status", name)).stdout.includes("It is running");
      },
      () => output,
    );
  return { herd, init, ended, untilRunning, output: () => output };
}

it("a user without an account controls services in a read-only container", { skip }, async (t) => {
  const container = await start(
    t,
    `service(["sleeper"], { start: makeForkexecConstructor(["/bin/sleep", "infinity"]) })`,
    20,
  );
  await container.untilRunning("sleeper");
  assert.match((await container.herd("status", "root")).stdout, /Cgroups: none/);
  assert.equal((await container.herd("restart", "sleeper")).status, 0);
  process.kill(container.init(), "SIGTERM");
  assert.equal(await container.ended, 0, container.output());
  assert.match(container.output(), /Service sleeper is now stopped/);
});

it("what does not end by itself is killed at the deadline, and the container ends", { skip }, async (t) => {
  const container = await start(
    t,
    `service(["deaf"], {
      start: makeForkexecConstructor(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]),
      stop: makeKillDestructor("TERM", { gracePeriod: 600 }),
    })`,
    1,
  );
  await container.untilRunning("deaf");
  process.kill(container.init(), "SIGTERM");
  assert.equal(await container.ended, 0, container.output());
});
