// A server of OpenSSH on loopback for tests: with a host key, a client's key and a configuration of its own.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePorts } from "../support/ports.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

const server = "/usr/sbin/sshd";

/** Why tests with it are skipped, where it is not there. */
export const withoutSsh = !existsSync(server)
  ? `needs ${server}, of Debian's package openssh-server`
  : process.getuid?.() === 0
    ? false
    : "needs to be root, to run a server of OpenSSH";

export interface LoopbackSsh {
  readonly directory: string;
  readonly uri: string;
  /** Arguments for ssh: a client that is known to the server, and knows it. */
  readonly known: readonly string[];
  /** One that has no key, and could give a password only. */
  readonly keyless: readonly string[];
  /** One that has never seen the server. */
  readonly stranger: readonly string[];
  readonly stop: () => Promise<void>;
}

/** @param environment what is set for commands at the other end */
export async function startSsh(environment: Readonly<Record<string, string>>): Promise<LoopbackSsh> {
  const directory = mkdtempSync(join(tmpdir(), "ssh-"));
  const file = (name: string): string => join(directory, name);
  const [port = 0] = await freePorts(1);
  for (const name of ["host", "client"]) {
    const { status, stderr } = await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
    if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  }
  writeFileSync(file("known"), `[127.0.0.1]:${port} ${readFileSync(file("host.pub"), "utf8")}`);
  writeFileSync(file("unknown"), "");
  writeFileSync(
    file("sshd_config"),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${file("host")}`,
      `AuthorizedKeysFile ${file("client.pub")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication yes",
      "PermitRootLogin yes",
      `SetEnv ${Object.entries(environment)
        .map(([name, value]) => `${name}=${value}`)
        .join(" ")}`,
    ].join("\n"),
  );
  const client = (name: string, lines: readonly string[]): readonly string[] => {
    writeFileSync(file(name), ["GlobalKnownHostsFile /dev/null", "IdentitiesOnly yes", ...lines].join("\n"));
    return ["-F", file(name)];
  };
  const knownHosts = `UserKnownHostsFile ${file("known")}`;
  const identity = `IdentityFile ${file("client")}`;
  const clients = {
    known: client("known_config", [knownHosts, identity]),
    keyless: client("keyless_config", [knownHosts, "PubkeyAuthentication no"]),
    stranger: client("stranger_config", [`UserKnownHostsFile ${file("unknown")}`, identity]),
  };
  mkdirSync(file("run"));
  // Should this test run be killed, it goes with it. It wants a directory in /run that only its package's start-up script makes.
  const script = `mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec setpriv --pdeathsig=KILL -- ${server} -D -e -f "$0"`;
  const child = spawn("unshare", ["--mount", "sh", "-c", script, file("sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await waitFor("sshd is gone", ended);
    rmSync(directory, { recursive: true });
  };
  await waitFor(
    "sshd listens",
    () => said.includes("Server listening") || ended(),
    () => said,
  );
  if (ended()) throw new Error(`sshd has ended: ${said}`);
  return { directory, uri: `ssh://${userInfo().username}@127.0.0.1:${port}`, ...clients, stop };
}
