// What a hardened container gives: a root file system that is read-only, /run in memory, a user whom no account knows, of group 0,
// with no HOME, no capability and no way to more. The example's configuration, but for its own programs.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { it, type TestContext } from "node:test";
import { children } from "../support/processes.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

const account = 12345;
const user = [`--reuid=${account}`, "--regid=0", "--clear-groups", "--bounding-set=-all", "--no-new-privs"];

/**
 * Arguments: a directory with the configuration, and with what /run is to have; then what becomes PID 1. What it has to write to is
 * mounted before.
 */
const prepare = `set -eu
directory=$1
shift
mount --make-rprivate /
mount --rbind / "$directory/root"
cd "$directory/root"
mount -o remount,bind,ro .
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmpfs run
cp -R "$directory/run/." run
chown -R ${account} run
exec chroot . setpriv ${user.join(" ")} "$@"
`;

const skip =
  process.getuid?.() !== 0
    ? "needs root, to mount"
    : spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]).status !== 0 && "needs unshare";

interface ContainerOptions {
  /** What is in the array of services. */
  readonly services: string;
  /** In seconds. */
  readonly shutdownTimeout: number;
  /** Programs and files below /run, by their names in it. */
  readonly run?: Readonly<Record<string, string>>;
  /** Where the supervisor's directory is to be; default: /run. */
  readonly runtimeDirectory?: string;
}

async function start(t: TestContext, options: ContainerOptions) {
  const { services, shutdownTimeout, run: given = {}, runtimeDirectory = "/run" } = options;
  const environment = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    XDG_RUNTIME_DIR: runtimeDirectory,
    SHEPHERD_NODE: process.execPath,
  };
  const directory = mkdtempSync(join(tmpdir(), "shepherd-container-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  for (const name of ["root", "run"]) mkdirSync(join(directory, name));
  for (const [name, text] of Object.entries(given)) {
    mkdirSync(join(directory, "run", dirname(name)), { recursive: true });
    writeFileSync(join(directory, "run", name), text, { mode: 0o755 });
  }
  const config = join(directory, "shepherd.ts");
  writeFileSync(
    config,
    `import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";
import { systemdUnits } from "shepherd-ts/systemd";
export default defineConfig({ services: [${services}], shutdownTimeout: ${shutdownTimeout} });
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
    // With its user, a process loses the signal that it was to get at the end of its parent: PID 1 has to be ended itself.
    const { pid } = child;
    if (pid !== undefined && child.exitCode === null)
      for (const one of children(pid)) process.kill(one, "SIGKILL");
    child.kill("SIGKILL");
    await ended;
  });
  const init = (): number => {
    const [first] = child.pid === undefined ? [] : children(child.pid);
    if (first === undefined) throw new Error(`PID 1 is gone\n${output}`);
    return first;
  };
  const inside = (program: string, ...args: readonly string[]) =>
    run(
      "nsenter",
      [
        ...[`--target=${init()}`, "--mount", "--pid", "--root", "--"],
        ...["setpriv", ...user, join(project.bin, program), ...args],
      ],
      { env: environment, cwd: "/" },
    );
  const herd = (...args: readonly string[]) => inside("herd", ...args);
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
  return { inside, herd, init, ended, untilRunning, output: () => output };
}

it("a user without an account controls services in a read-only container", { skip }, async (t) => {
  const container = await start(t, {
    services: `service(["sleeper"], { start: makeForkexecConstructor(["/bin/sleep", "infinity"]) })`,
    shutdownTimeout: 20,
  });
  await container.untilRunning("sleeper");
  assert.match((await container.herd("status", "root")).stdout, /Cgroups: none/);
  assert.equal((await container.herd("restart", "sleeper")).status, 0);
  process.kill(container.init(), "SIGTERM");
  assert.equal(await container.ended, 0, container.output());
  assert.match(container.output(), /Service sleeper is now stopped/);
});

it("what does not end by itself is killed at the deadline, and the container ends", { skip }, async (t) => {
  const container = await start(t, {
    services: `service(["deaf"], {
      start: makeForkexecConstructor(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]),
      stop: makeKillDestructor("TERM", { gracePeriod: 600 }),
    })`,
    shutdownTimeout: 1,
  });
  await container.untilRunning("deaf");
  process.kill(container.init(), "SIGTERM");
  assert.equal(await container.ended, 0, container.output());
});

it("generators of units run, and systems are built, where /tmp is read-only", { skip }, async (t) => {
  const container = await start(t, {
    services: '...(await systemdUnits({ target: "example" }))',
    shutdownTimeout: 20,
    run: {
      "systemd/system/example.target": "[Unit]\nDefaultDependencies=no\nRequires=made.service\n",
      "systemd/system-generators/make": `#!/bin/sh
echo made by a generator
printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\nExecStart=/bin/sleep infinity\\n' >"$1/made.service"
`,
      "system.ts": `import { operatingSystem } from "shepherd-ts/system";
export default operatingSystem({ services: [] });
`,
    },
  });
  await container.untilRunning("made");
  assert.match(container.output(), /generator\/make: made by a generator/);
  const { status, stdout, stderr } = await container.inside(
    ...(["shepherd", "system", "build", "--output=/run/built", "/run/system.ts"] as const),
  );
  assert.deepEqual([status, stdout, stderr], [0, "/run/built\n", ""]);
});

it("where nothing can be written to, that is said", { skip }, async (t) => {
  const container = await start(t, { services: "", shutdownTimeout: 1, runtimeDirectory: "/srv" });
  assert.equal(await container.ended, 1);
  assert.match(
    container.output(),
    /cannot access directory of socket '\/srv\/shepherd\/socket': Read-only file system; set XDG_RUNTIME_DIR/,
  );
});
