// shepherd as an unprivileged user starts it, with nothing but the environment to go by.

import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { account } from "../support/accounts.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";

/** A user's directories, and a way to run shell commands as the user in a PID namespace of its own. */
function makeUser(t: TestContext, privateHome = true) {
  const { uid, gid } = account("nobody");
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  chmodSync(directory, 0o755);
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = (name: string): string => join(directory, name);
  for (const name of ["home", "run"]) {
    mkdirSync(path(name), { mode: name === "home" && !privateHome ? 0o755 : 0o700 });
    if (name !== "home" || privateHome) chownSync(path(name), uid, gid);
  }
  const basic = { PATH: `${project.bin}:${process.env.PATH}`, SHEPHERD_NODE: process.execPath };
  return {
    uid,
    path,
    sh: (script: string, environment: NodeJS.ProcessEnv): Promise<Outcome> =>
      run(
        "setpriv",
        [
          ...["--pdeathsig=KILL", "--", "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--"],
          ...["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--", "sh", "-c", script],
        ],
        { env: { ...basic, ...environment }, cwd: "/" },
      ),
  };
}

/** Starts shepherd beside what follows, and waits for it. */
const up = "shepherd >$LOG 2>&1 & until herd status >/dev/null 2>&1; do sleep 0.02; done";
const down = "herd stop root; wait";

it("a new user gets a configuration, a log and a socket of his own; a second shepherd is refused", async (t) => {
  const { path, sh } = makeUser(t);
  const { stdout, stderr, status } = await sh(
    `${up}; herd status; shepherd; echo "second: $?"; until grep -q "successfully loaded" $LOG; do sleep 0.02; done; ${down}`,
    { HOME: path("home"), XDG_RUNTIME_DIR: path("run"), LOG: path("run/out") },
  );
  const socket = path("run/shepherd/socket");
  assert.equal(stdout, "Started:\n + root\nsecond: 1\n");
  assert.equal(stderr, `shepherd: error: shepherd instance already listening on '${socket}'\n`);
  assert.equal(status, 0);
  assert.match(readFileSync(path("home/.config/shepherd/init.ts"), "utf8"), /from "shepherd-ts"/);
  assert.match(readFileSync(path("home/.local/state/shepherd/shepherd.log"), "utf8"), /successfully loaded/);
  assert.equal(statSync(path("run/shepherd")).mode & 0o777, 0o700);
});

it("where the home cannot be written it runs all the same, and says so", async (t) => {
  const { path, sh } = makeUser(t, false);
  for (const HOME of [path("home"), undefined]) {
    const { stdout } = await sh(`${up}; herd status; ${down}`, {
      ...(HOME === undefined ? {} : { HOME }),
      XDG_RUNTIME_DIR: path("run"),
      LOG: path("run/out"),
    });
    assert.equal(stdout, "Started:\n + root\n");
    const log = readFileSync(path("run/out"), "utf8");
    assert.match(log, /cannot read .*\/\.config\/shepherd\/init\.ts/);
    assert.match(log, /cannot write the log: open .*shepherd\.log: Permission denied/);
  }
  assert.equal(existsSync(path("home/.config")), false);
});

it("without a directory for the socket it says what to do", async (t) => {
  const { uid, path, sh } = makeUser(t);
  const cases = [
    [undefined, `/run/user/${uid}`],
    ["", `/run/user/${uid}`],
    ["relative", `/run/user/${uid}`],
    [path("missing"), path("missing")],
  ] as const;
  for (const [directory, expected] of cases) {
    const { status, stderr } = await sh("shepherd", {
      HOME: path("home"),
      ...(directory === undefined ? {} : { XDG_RUNTIME_DIR: directory }),
    });
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `shepherd: error: cannot access directory of socket '${expected}/shepherd/socket': Permission denied; ` +
        "set XDG_RUNTIME_DIR to a directory of your own, or name another socket with --socket\n",
    );
  }
});
