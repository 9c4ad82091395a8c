// `herd -s ssh://HOST/SOCKET …`: has the herd at the other end carry the command out, over OpenSSH. Not by a tunnel to the
// socket: log files, processes and the directories of names are at the other end too, and so is a herd that reads them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { UsageError } from "../cli/gnu-options.js";
import { shellCommand } from "../cli/shell-words.js";
import { AuthorityError, decoded, parseAuthority, withoutPassword } from "../protocol/authority.js";
import type { ExitStatus } from "./command.js";
import type { Reporter } from "./report.js";

export interface Remote {
  readonly host: string;
  readonly user: string | undefined;
  /** Absent: the one that the configuration of ssh names, or else 22. */
  readonly port: number | undefined;
  /** Absent: where the herd at the other end looks. */
  readonly socket: string | undefined;
}

const scheme = "ssh:";

/** Undefined for the name of a file. @throws UsageError */
export function remoteOf(socket: string): Remote | undefined {
  if (!socket.startsWith(scheme)) return undefined;
  try {
    const { host, user, port, rest } = parseAuthority(socket.slice(scheme.length));
    const path = decoded(rest);
    if (!/^(?:\/|$)/.test(rest)) throw new AuthorityError("expected the name of a socket after the host");
    if (/[\0\n]/.test(path))
      throw new AuthorityError("there is a NUL or the end of a line in the socket's name");
    return { host, user, port, socket: path === "" || path === "/" ? undefined : path };
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    throw new UsageError(`${withoutPassword(socket)}: ${error.message}`);
  }
}

export interface Ends {
  /** Whether standard input, output and error are all terminals: then there is one at the other end. */
  readonly isTerminal: boolean;
  /** Whether there is somebody to ask for a password, or about a host's key. */
  readonly canAsk: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs its arguments until its own standard input ends, as it does with the connection. Where there is no terminal, nothing else
 * would tell a command that goes on for ever, and has nothing to say, that nobody listens any more.
 */
const untilInputEnds = [
  "exec 3<&0",
  '"$@" </dev/null 3<&- & command=$!',
  '{ read -r line <&3; kill "$command"; } >/dev/null 2>&1 & watch=$!',
  "exec 3<&-",
  'wait "$command" 2>/dev/null; status=$?',
  'kill "$watch" 2>/dev/null',
  'exit "$status"',
].join("\n");

/** Whether it goes on until it is told to end. */
const isEndless = (line: readonly string[]): boolean => line.includes("--follow");

/**
 * What ssh is run with.
 *
 * @param line the command line without what named the socket
 */
export function sshArguments(
  { host, user, port, socket }: Remote,
  line: readonly string[],
  { isTerminal, canAsk, environment }: Ends,
): readonly string[] {
  const { NO_COLOR: plain } = environment;
  const words = [
    ...(isTerminal || !isEndless(line) ? [] : ["sh", "-c", untilInputEnds, "sh"]),
    ...(plain === undefined ? [] : ["env", `NO_COLOR=${plain}`]),
    "herd",
    ...(socket === undefined ? [] : ["-s", socket]),
    ...line,
  ];
  const options = {
    // What is said at the end of a session with a terminal is none of herd's; errors are shown all the same.
    LogLevel: "ERROR",
    BatchMode: canAsk ? "no" : "yes",
    ClearAllForwardings: "yes",
    ForwardAgent: "no",
    ForwardX11: "no",
  };
  return [
    isTerminal ? "-t" : "-T",
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(user === undefined ? [] : ["-l", user]),
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "--",
    host,
    shellCommand(words),
  ];
}

/** What ssh exits with where it has no connection, and a shell where there is no such command. */
const statuses = { noConnection: 255, noCommand: 127 } as const;

/** Runs ssh with our own standard input, output and error. */
export async function runThere(
  remote: Remote,
  line: readonly string[],
  ends: Ends,
  report: Reporter,
): Promise<ExitStatus> {
  const child = spawn("ssh", sshArguments(remote, line, ends), {
    // Nobody reads from a pipe, which ends with us.
    stdio: [ends.isTerminal ? "inherit" : "pipe", "inherit", "inherit"],
  });
  child.stdin?.on("error", () => undefined);
  // What a terminal sends goes to ssh too, and what it makes of it is what counts.
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): undefined => undefined;
  process.on("SIGINT", ignore).on("SIGQUIT", ignore).on("SIGTERM", passOn).on("SIGHUP", passOn);
  let ended: [number | null, NodeJS.Signals | null];
  try {
    ended = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    report.error(
      code === "ENOENT"
        ? "there is no program 'ssh' in PATH: ssh:// needs OpenSSH's client, of the package openssh-client"
        : `cannot run ssh: ${String(code)}`,
    );
    return 1;
  } finally {
    process.off("SIGINT", ignore).off("SIGQUIT", ignore).off("SIGTERM", passOn).off("SIGHUP", passOn);
  }
  const [status, signal] = ended;
  if (signal !== null) report.error(`ssh was ended by ${signal}`);
  // Why there is none ssh has said.
  else if (status === statuses.noConnection) report.error(`no connection to ${remote.host}`);
  else if (status === statuses.noCommand)
    report.error(
      `cannot run 'herd' at ${remote.host}: it must be in the PATH that ssh's commands have there`,
    );
  return status === 0 ? 0 : 1;
}
