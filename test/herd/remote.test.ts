// `herd -s ssh://…`: what a URI means, what ssh is run with, and the whole over a server of OpenSSH on loopback.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { UsageError } from "../../src/cli/gnu-options.js";
import { parseOptions } from "../../src/herd/options.js";
import { type Ends, remoteOf, sshArguments } from "../../src/herd/remote.js";
import { type LoopbackSsh, startSsh, withoutSsh } from "../store/loopback-ssh.js";
import { configuration } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

/** Empty for a process that has ended. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("a URI", () => {
  const none = { user: undefined, port: undefined, socket: undefined };
  for (const [uri, remote] of [
    ["ssh://box", { ...none, host: "box" }],
    ["ssh://box/", { ...none, host: "box" }],
    [
      "ssh://ada@box:2222/run/shepherd/socket",
      { host: "box", user: "ada", port: 2222, socket: "/run/shepherd/socket" },
    ],
    ["ssh://[::1]:22/a%20b", { ...none, host: "::1", port: 22, socket: "/a b" }],
    ["ssh://box/a;$(b)'c", { ...none, host: "box", socket: "/a;$(b)'c" }],
    ["/run/ssh:/socket", undefined],
    ["./ssh://box", undefined],
  ] as const)
    it(`${uri} is understood`, () => assert.deepEqual(remoteOf(uri), remote));

  for (const [uri, problem] of [
    ["ssh:box", /^ssh:box: expected \/\/HOST or \/\/HOST:PORT after the scheme$/],
    ["ssh:///run/socket", /: it names no host$/],
    ["ssh://-oProxyCommand=x/s", /: its host or its user is no name$/],
    ["ssh://-lroot@box/s", /: its host or its user is no name$/],
    ["ssh://$(id)/s", /: its host or its user is no name$/],
    ["ssh://a%60id%60@box/s", /: its host or its user is no name$/],
    ["ssh://a:secret@box/s", /^ssh:\/\/a:\*\*\*@box\/s: a password has no place in a URI$/],
    ["ssh://box:99999/s", /: its port "99999" is none/],
    ["ssh://box?x", /: expected the name of a socket after the host$/],
    ["ssh://box/a%00b", /: there is a NUL or the end of a line/],
  ] as const)
    it(`${uri} is refused`, () =>
      assert.throws(
        () => remoteOf(uri),
        (error) => error instanceof UsageError && problem.test(error.message),
      ));
});

describe("what ssh is run with", () => {
  const ends: Ends = { isTerminal: false, canAsk: false, environment: {} };
  const remote = { host: "box", user: "ada", port: 2222, socket: "/run/my socket" };

  it("names host, user and port, and quotes each word for the shell there", () => {
    const args = sshArguments(remote, ["eval", "root", "1; rm -rf /", "it's", ""], ends);
    assert.deepEqual(args.slice(0, 5), ["-T", "-p", "2222", "-l", "ada"]);
    assert.deepEqual(args.slice(-3), [
      "--",
      "box",
      "herd -s '/run/my socket' eval root '1; rm -rf /' 'it'\\''s' ''",
    ]);
    assert.ok(args.includes("BatchMode=yes"));
  });

  it("has a terminal where there is one here, and may ask then", () => {
    const environment = { NO_COLOR: "1" };
    const args = sshArguments({ ...remote, socket: undefined }, ["status"], {
      isTerminal: true,
      canAsk: true,
      environment,
    });
    assert.equal(args[0], "-t");
    assert.ok(args.includes("BatchMode=no"));
    assert.equal(args.at(-1), "env NO_COLOR=1 herd status");
  });

  it("gets the command line but for the socket, also where it follows --", async () => {
    const parsed = await parseOptions(
      ["-sssh://box", "log", "web", "-n3", "--soc", "x", "--", "--socket=y"],
      "/",
    );
    assert.deepEqual(parsed.kind === "run" && parsed.line, [
      "log",
      "web",
      "--log-history=3",
      "--",
      "--socket=y",
    ]);
  });
});

describe("over a server on loopback", { skip: withoutSsh }, () => {
  const scope = suiteScope();
  let ssh: LoopbackSsh;
  let system: System;

  before(async () => {
    ssh = await startSsh({ PATH: `${project.bin}:${process.env.PATH}`, SHEPHERD_NODE: process.execPath });
    system = await bootSystem(scope, {
      config: configuration([
        `service(["web"], { start: makeForkexecConstructor(["/bin/sh", "-c", "echo hello; exec sleep 1000"]) })`,
      ]),
    });
    await system.untilStatus("web", "running");
  });
  after(async () => {
    await scope.close();
    await ssh?.stop();
  });

  /** With an ssh that has one of the server's clients' configurations. */
  function environmentWith(client: readonly string[]): Record<string, string> {
    const bin = join(ssh.directory, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "ssh"), `#!/bin/sh\nexec /usr/bin/ssh ${client.join(" ")} "$@"\n`);
    chmodSync(join(bin, "ssh"), 0o755);
    return { PATH: `${bin}:${process.env.PATH}`, SHEPHERD_NODE: process.execPath, HOME: ssh.directory };
  }

  async function herd(client: readonly string[], socket: string, ...args: string[]): Promise<Outcome> {
    return await run(join(project.bin, "herd"), ["-s", `${ssh.uri}${socket}`, ...args], {
      env: environmentWith(client),
    });
  }

  it("the output, the errors and the exit status are those of a local herd", async () => {
    for (const args of [
      ["status"],
      ["status", "web", "--json"],
      ["log", "web", "--grep=hel+o"],
      ["restart", "web"],
      ["disable", "web"],
      ["eval", "root", "[1, 'it\\'s', \"$HOME;\"].join(' ')"],
      ["start", "no such; touch /tmp/service"],
    ]) {
      const local = await system.herd(...args);
      const remote = await herd(ssh.known, system.socket, ...args);
      const since = (text: string): string =>
        text.replaceAll(
          /\d+ (?:second|minute)s? ago|"\w*(?:pid|[tT]ime|since|[sS]econds|at)\w*": ?[^,}]*|PID: \d+|\(\d+ /g,
          "…",
        );
      assert.deepEqual(
        [since(remote.stdout), since(remote.stderr), remote.status],
        [since(local.stdout), since(local.stderr), local.status],
        args.join(" "),
      );
    }
  });

  it("a socket's name means nothing to the shell there", async () => {
    const link = join(system.directory, "a '$(touch x)`; socket");
    symlinkSync(system.socket, link);
    const { status, stdout } = await herd(ssh.known, encodeURI(link).replaceAll("'", "%27"), "status", "web");
    assert.equal(status, 0);
    assert.match(stdout, /Status of web/);
  });

  it("what ssh says is shown where there is no connection", async () => {
    const keyless = await herd(ssh.keyless, system.socket, "status");
    assert.equal(keyless.status, 1);
    assert.match(
      keyless.stderr,
      /Permission denied \([\w,-]+\)\.\r?\nherd: error: no connection to 127\.0\.0\.1\n$/,
    );
    const stranger = await herd(ssh.stranger, system.socket, "status");
    assert.match(
      stranger.stderr,
      /Host key verification failed\.\r?\nherd: error: no connection to 127\.0\.0\.1\n$/,
    );
  });

  it("a follower at the other end ends with the one here", async () => {
    const marker = `--grep=hello|of-${process.pid}`;
    const child = spawn(
      join(project.bin, "herd"),
      ["-s", `${ssh.uri}${system.socket}`, "log", "web", "-f", marker],
      { env: environmentWith(ssh.known), stdio: ["ignore", "pipe", "inherit"] },
    );
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      output += piece;
    });
    await waitFor("it shows lines", () => output.includes("hello"));
    const followers = (): readonly string[] =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(marker));
    assert.ok(followers().length >= 2, String(followers()));
    child.kill("SIGTERM");
    await waitFor(
      "all are gone",
      () => followers().length === 0,
      () => followers().map(commandLine).join("\n").replaceAll("\0", " "),
    );
  });

  it("a socket that is not there is the other herd's error", async () => {
    const { status, stderr } = await herd(ssh.known, "/nowhere/socket", "status");
    assert.deepEqual([status, stderr], [1, "herd: error: /nowhere/socket: No such file or directory\n"]);
  });
});

it("a herd without ssh says what to install", async () => {
  const { status, stderr } = await run(
    process.execPath,
    [join(project.root, "dist", "herd.cjs"), "-s", "ssh://box", "status"],
    {
      env: { PATH: "/nonexistent" },
    },
  );
  assert.equal(status, 1);
  assert.match(stderr, /^herd: error: there is no program 'ssh' in PATH: .*openssh-client\n$/);
});
