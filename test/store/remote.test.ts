// The client with nix-daemon over each way there is: its socket, TCP, and ssh with two programs at the other end.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import * as store from "../../src/store/index.js";
import { freePorts } from "../support/ports.js";
import { children, describe as describeProcess } from "../support/processes.js";
import { waitFor } from "../support/wait.js";
import { type LoopbackSsh, startSsh, withoutSsh } from "./loopback-ssh.js";
import { type NixDaemon, startNixDaemon, withoutNix } from "./nix-daemon.js";

const needed = (program: string, name: string): string | false =>
  existsSync(program) ? false : `needs ${program}, of Debian's package ${name}`;

const withoutSocat = needed("/usr/bin/socat", "socat");
const withoutGuile = needed("/usr/bin/guile", "guile-3.0");

/** The same with every way: what is asked, what is built, what fails, and much data both ways. */
async function exercise(connection: store.StoreConnection, log: () => string): Promise<void> {
  assert.equal(connection.versions.daemon, 0x122);
  const hello = await store.addTextToStore(connection, "hello.txt", "Hello, store!\n");
  assert.equal(await store.validPath(connection, hello), true);
  assert.equal(await store.validPath(connection, hello.replace("hello", "none")), false);
  const sh = await store.addToStore(connection, "sh", true, "sha256", realpathSync("/bin/sh"));
  // Others than those of an earlier time: what is there is not built anew.
  const env = { TIME: process.hrtime.bigint().toString() };
  const make = (name: string, script: string): Promise<store.Derivation> =>
    store.derivation(connection, name, sh, ["-c", script], { sources: [sh], env });
  const good = await make("good", "echo building; echo built > $out");
  await store.buildDerivations(connection, [good]);
  assert.match(log(), /^building$/m);
  assert.equal(readFileSync(store.derivationToOutputPath(good) ?? "", "utf8"), "built\n");
  const bad = await make("bad", "echo oops; exit 3");
  await assert.rejects(store.buildDerivations(connection, [bad]), {
    name: "StoreProtocolError",
    status: 100,
  });
  assert.match(log(), /^oops$/m);
  await store.setBuildOptions(connection, { timeout: 1 });
  const slow = await make("slow", "while :; do :; done");
  await assert.rejects(store.buildDerivations(connection, [slow]), {
    name: "StoreProtocolError",
    status: 101,
  });
  const contents = Buffer.alloc(5_000_001, "much data ");
  const much = await store.addFileTreeToStore(connection, "much", { type: "regular", contents });
  assert.deepEqual(readFileSync(much), contents);
  const pieces: Buffer[] = [];
  await store.exportPaths(connection, [much], (piece) => void pieces.push(piece), { sign: false });
  assert.deepEqual(await store.importPaths(connection, pieces), [much]);
  await assert.rejects(store.validPath(connection, "/etc/passwd"), {
    name: "StoreProtocolError",
    message: "path '/etc/passwd' is not in the Nix store",
    status: 1,
  });
}

describe("ways to nix-daemon", { skip: withoutNix }, () => {
  let daemon: NixDaemon;
  before(async () => {
    daemon = await startNixDaemon();
  });
  after(() => daemon.stop());

  async function through(uri: string, options: store.ConnectionOptions = {}): Promise<void> {
    let log = "";
    const connection = await store.openConnection(uri, {
      storeDirectory: daemon.storeDirectory,
      buildOutputPort: (text) => {
        log += text;
      },
      ...options,
    });
    try {
      await exercise(connection, () => log);
    } finally {
      await store.closeConnection(connection);
    }
    assert.deepEqual(ssh(), [], "no ssh is left");
  }

  it("its socket", () => through(daemon.socket));

  it("TCP", { skip: withoutSocat }, async (t) => {
    const [port = 0] = await freePorts(1);
    const socat = spawn(
      "socat",
      [`TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, `UNIX-CONNECT:${daemon.socket}`],
      { stdio: "ignore" },
    );
    t.after(async () => {
      socat.kill();
      await waitFor("socat is gone", () => socat.exitCode !== null || socat.signalCode !== null);
    });
    await waitFor("socat listens", () => listens(port));
    await through(`guix://127.0.0.1:${port}`);
  });

  describe("ssh", { skip: withoutSsh }, () => {
    let server: LoopbackSsh;
    before(async () => {
      server = await startSsh({ GUIX_DAEMON_SOCKET: daemon.socket });
    });
    after(() => server.stop());

    it("with guile at the other end, as is the default", { skip: withoutGuile }, () =>
      through(server.uri, { ssh: { arguments: server.known } }),
    );

    it("with socat at the other end", { skip: withoutSocat }, () =>
      through(server.uri, {
        ssh: { arguments: server.known, command: `socat STDIO UNIX-CONNECT:${daemon.socket}` },
      }),
    );

    const refused: Readonly<
      Record<string, readonly [(server: LoopbackSsh) => store.SshOptions, string, RegExp]>
    > = {
      "a password": [
        ({ keyless }) => ({ arguments: keyless }),
        "EACCES",
        /build daemon handshake failed: the daemon closed the connection \(ssh: exit code 255; .*Permission denied \(.*password/,
      ],
      "whether to trust a host": [
        ({ stranger }) => ({ arguments: stranger }),
        "EACCES",
        /Host key verification failed/,
      ],
      "a command that is not there": [
        ({ known }) => ({ arguments: known, command: "no-such-program" }),
        "EPROTO",
        /\(ssh: exit code 127; .*no-such-program: .*not found/,
      ],
      "a command that is no daemon": [
        ({ known }) => ({ arguments: known, command: "echo I am no daemon at all" }),
        "EPROTO",
        /the daemon's magic number, at byte 0: 0x206f6e206d612049 has more than 32 bits/,
      ],
      "a command that ends at once": [
        ({ known }) => ({ arguments: known, command: "echo sorry >&2; exit 4" }),
        "EPROTO",
        /build daemon handshake failed: the daemon closed the connection \(ssh: exit code 4; sorry\)/,
      ],
    };
    for (const [what, [options, code, message]] of Object.entries(refused))
      it(`fails for ${what}`, async () => {
        const begin = performance.now();
        await assert.rejects(store.openConnection(server.uri, { ssh: options(server) }), (error: unknown) => {
          assert.ok(error instanceof store.StoreConnectionError, String(error));
          assert.equal(error.file, "127.0.0.1");
          assert.equal(error.code, code, error.message);
          assert.match(error.message, message);
          return true;
        });
        assert.ok(performance.now() - begin < 10_000, "before any time-out");
        assert.deepEqual(ssh(), []);
      });

    it("tells what ssh said when the way breaks later", async () => {
      const command = `echo lost the way >&2; socat -T 0.2 STDIO UNIX-CONNECT:${daemon.socket}; exit 9`;
      const connection = await store.openConnection(server.uri, {
        storeDirectory: daemon.storeDirectory,
        ssh: { arguments: server.known, command },
      });
      await waitFor("the connection is closed", () => connection.closed);
      await assert.rejects(store.queryAllValidPaths(connection), {
        name: "StoreConnectionError",
        message: /the daemon closed the connection \(ssh: exit code 9; lost the way\)/,
      });
      assert.deepEqual(ssh(), []);
    });
  });
});

/** Children of this process that look like ssh: their arguments have our option. */
function ssh(): readonly string[] {
  return children(process.pid)
    .map((pid) => describeProcess(pid)?.command.join(" ") ?? "")
    .filter((command) => command.includes("BatchMode=yes"));
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

describe("ssh that is none", () => {
  function script(t: TestContext, text: string): string {
    const directory = mkdtempSync(join(tmpdir(), "no-ssh-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "ssh");
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  }

  it("is not there", async () => {
    await assert.rejects(store.openConnection("ssh://host", { ssh: { program: "/nonexistent/ssh" } }), {
      name: "StoreConnectionError",
      file: "/nonexistent/ssh",
      code: "ENOENT",
      message: /cannot run \/nonexistent\/ssh: ENOENT/,
    });
  });

  it("gets its arguments in an order that leaves nothing of a host's name to be an option", async (t) => {
    const program = script(t, `printf '%s\\n' "$@" >&2; exit 1`);
    const arguments_ = ["-i", "key"];
    const opening = store.openConnection("ssh://charlie@host.example:2222", {
      ssh: { program, arguments: arguments_, command: "bridge" },
      connectTimeout: 2.5,
    });
    await assert.rejects(opening, {
      code: "EPROTO",
      message: /ssh: exit code 1; --; host\.example; bridge\)$/,
    });
    const all = script(t, `printf '%s ' "$@" >&2; exit 1`);
    await assert.rejects(
      store.openConnection("ssh://charlie@host.example:2222", {
        ssh: { program: all, arguments: ["-v"] },
        connectTimeout: 2.5,
      }),
      {
        message:
          /-T -o BatchMode=yes -p 2222 -l charlie -v -o ConnectTimeout=3 .* -- host\.example guile -q -c '\(use-modules/,
      },
    );
  });

  for (const [name, text] of [
    ["does nothing", "exec sleep 1000"],
    ["does not want to end", "trap '' TERM; while :; do read line; done < /dev/zero"],
  ] as const)
    it(name, async (t) => {
      const program = script(t, text);
      await assert.rejects(store.openConnection("ssh://host", { ssh: { program }, connectTimeout: 0.3 }), {
        code: "ETIMEDOUT",
        file: "host",
      });
      assert.deepEqual(ssh(), [], "it is gone by then");
    });
});
