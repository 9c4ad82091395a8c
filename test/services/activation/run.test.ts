// Programs that are run at activation.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { runProgram } from "../../../src/services/activation/run.js";
import { type RunStep, runStep } from "../../../src/services/activation/steps.js";
import { waitFor } from "../../support/wait.js";
import { needsRoot, withRoot } from "../support.js";

const machine = { root: "/" };

/** A step that runs a script with the shell. */
const script = (text: string, options: Omit<RunStep, "step" | "command"> = {}) => {
  const { command, ...step } = runStep(["/bin/sh", "-c", text], options);
  return { ...step, command: command as readonly [string, ...string[]] };
};

/** A process that has ended may wait for somebody who takes note. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("a program of an activation", () => {
  it("has a small environment of its own, and is told where it is", () =>
    withRoot(async ({ path, read }) => {
      await runProgram(
        machine,
        script(`env > ${path("env")}; pwd > ${path("pwd")}`, { directory: path("") }),
      );
      const variables = (await read("env"))
        .split("\n")
        .filter((line) => !/^(?:PWD|OLDPWD|SHLVL|_)=|^$/.test(line));
      assert.deepEqual(variables.sort(), [
        "LANG=C.UTF-8",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ]);
      assert.equal(await read("pwd"), `${path("").replace(/\/$/, "")}\n`);
    }));

  it("does not outlive us where a signal ends us", () =>
    withRoot(async ({ path, read }) => {
      const module = new URL("../../../src/services/activation/run.js", import.meta.url).href;
      const command = ["/bin/sh", "-c", `echo $$ > ${path("pid")}; exec sleep 1000008`];
      const us = spawn(
        process.execPath,
        [
          "--input-type=module",
          "--eval",
          `const { runProgram } = await import(${JSON.stringify(module)});
           await runProgram({ root: "/" }, ${JSON.stringify({ step: "run", command })});`,
        ],
        { stdio: "inherit" },
      );
      const ended = once(us, "exit");
      await waitFor(
        "the program runs",
        () => existsSync(path("pid")) && readFileSync(path("pid"), "utf8") !== "",
      );
      const pid = Number(await read("pid"));
      us.kill("SIGTERM");
      assert.deepEqual(await ended, [null, "SIGTERM"]);
      await waitFor("the program has ended", () => !isRunning(pid));
    }));

  it("runs as the user, in no other group", { skip: needsRoot }, () =>
    withRoot(async ({ root, path, read }) => {
      await chmod(root, 0o777);
      await runProgram(
        machine,
        script(`id > ${path("id")}; echo $USER $HOME >> ${path("id")}`, { user: "nobody" }),
      );
      const [id = "", variables] = (await read("id")).split("\n");
      assert.match(id, /^uid=65534\(nobody\) gid=65534\(nogroup\) groups=65534\(nogroup\)$/);
      assert.equal(variables, "nobody /nonexistent");
    }),
  );

  it("is not run where the file exists that says it has been", () =>
    withRoot(async ({ path, read, write }) => {
      await write("done", "");
      await runProgram(machine, script(`echo x >> ${path("log")}`, { unless: path("done") }));
      assert.equal(existsSync(path("log")), false);
      await runProgram(machine, script(`echo x >> ${path("log")}`, { unless: path("none/at/all") }));
      assert.equal(await read("log"), "x\n");
    }));

  it("that fails says how, with the last lines that it has printed", async () => {
    await assert.rejects(runProgram(machine, script("seq 1 100000; echo why >&2; exit 3")), (error) => {
      assert.ok(error instanceof Error);
      const [first, ...lines] = error.message.split("\n");
      assert.equal(first, "/bin/sh has exited with 3:");
      assert.equal(lines.length, 20);
      assert.ok(lines.includes("  why"), error.message);
      assert.ok(lines.includes("  100000"), error.message);
      return true;
    });
    await assert.rejects(runProgram(machine, script("exit 1")), { message: "/bin/sh has exited with 1" });
    await assert.rejects(runProgram(machine, script("kill -9 $$")), {
      message: "/bin/sh was ended by SIGKILL",
    });
  });

  it("that does not end is ended, with all that it has started", () =>
    withRoot(async ({ path, read }) => {
      const step = script(`sleep 1000 & echo $! > ${path("pid")}; echo waiting; wait`, { timeout: 0.5 });
      await assert.rejects(runProgram(machine, step), {
        message: "/bin/sh has not ended within 0.5 seconds:\n  waiting",
      });
      const pid = (await read("pid")).trim();
      // It has no parent that would wait for it any more: somebody reaps it.
      const state = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
      assert.match(state, /^(?:Z.*)?$/);
    }));

  it("may leave something running that has its output", async () => {
    await runProgram(machine, script("sleep 5 & exit 0"));
  });

  it("that is not there, or has nowhere to run, is named", async () => {
    const missing = runStep(["/none/at/all"]) as RunStep & { readonly command: readonly [string] };
    await assert.rejects(runProgram(machine, missing), {
      message: "/none/at/all: No such file or directory",
    });
    await assert.rejects(runProgram(machine, script("true", { directory: "/none" })), {
      message: "/none: No such file or directory",
    });
    await assert.rejects(runProgram(machine, script("true", { user: "no-such-user" })), {
      message: 'user "no-such-user" does not exist',
    });
    await assert.rejects(runProgram(machine, script("true", { group: "no-such-group" })), {
      message: 'group "no-such-group" does not exist',
    });
  });

  it(
    "runs below another root",
    { skip: needsRoot || (!existsSync("/usr/sbin/chroot") && "there is no chroot(8)") },
    () =>
      withRoot(async (root) => {
        await chmod(root.root, 0o755);
        // The shell, and what it is linked with, at the same places.
        const shell = realpathSync("/bin/sh");
        const { stdout } = spawnSync("ldd", [shell], { encoding: "utf8" });
        const libraries = [...stdout.matchAll(/(?:^|\s)(\/\S+)/gm)].map(([, file = ""]) => file);
        for (const [from, to] of [[shell, "/bin/sh"], ...libraries.map((file) => [file, file])]) {
          await mkdir(dirname(root.path(to ?? "")), { recursive: true });
          await copyFile(from ?? "", root.path(to ?? ""));
        }
        await root.write("etc/passwd", "tester:x:4321:4322::/home/t:/bin/sh\n");
        await mkdir(root.path("srv"));
        await chown(root.path("srv"), 4321, 4322);
        const text = 'pwd >here; echo "$USER $HOME" >>here';
        await runProgram(root, script(text, { user: "tester", directory: "/srv" }));
        assert.equal(await root.read("srv/here"), "/srv\ntester /home/t\n");
        const { uid, gid } = await stat(root.path("srv/here"));
        assert.deepEqual([uid, gid], [4321, 4322]);
      }),
  );
});
