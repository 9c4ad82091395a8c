// A connection through OpenSSH's client: a program at the other end copies between it and the daemon's socket there.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Endpoint } from "../endpoint.js";
import { StoreConnectionError } from "../errors.js";
import type { Wait } from "../wire/decode.js";
import type { Channel, Receiver } from "./channel.js";
import { StreamChannel } from "./stream-channel.js";

export interface SshOptions {
  /** The client; default `ssh`, from PATH. */
  readonly program?: string;
  /** Arguments before the host, such as `["-F", file]` or `["-i", file]`; default none. */
  readonly arguments?: readonly string[];
  /**
   * What the shell at the other end runs: a command whose standard input and output are the daemon's socket, such as
   * `socat STDIO UNIX-CONNECT:/var/guix/daemon-socket/socket`. Default: a program for `guile`, which connects to what
   * GUIX_DAEMON_SOCKET names there, or else to the socket in the state directory.
   */
  readonly command?: string;
}

/** No single quote may be in it: it is one word for a shell between two. Without buffers Guile reads byte after byte. */
const bridge = `
(use-modules (ice-9 binary-ports))
(let ((daemon (socket AF_UNIX SOCK_STREAM 0))
      (here (current-input-port))
      (there (current-output-port)))
  (define (copy from to)
    (let ((data (get-bytevector-some from)))
      (when (eof-object? data) (primitive-exit 0))
      (put-bytevector to data)
      (force-output to)))
  (for-each (lambda (port) (setvbuf port (quote block) 65536)) (list daemon here there))
  (connect daemon AF_UNIX (or (getenv "GUIX_DAEMON_SOCKET") "/var/guix/daemon-socket/socket"))
  (let loop ()
    (let ((ready (car (select (list here daemon) (list) (list)))))
      (when (memq here ready) (copy here daemon))
      (when (memq daemon ready) (copy daemon there))
      (loop))))`;

export const defaultCommand = `guile -q -c '${bridge.replace(/\s+/g, " ").trim()}'`;

/** What is kept of what ssh and the other end say on standard error. */
const keptOfMessages = 4096;

/** How long ssh may take to end after its input has, and then after it was asked to. */
const grace = 1000;

type SshEndpoint = Extract<Endpoint, { readonly kind: "ssh" }>;

/** Fulfilled when ssh runs; whether it reaches the daemon shows when the daemon answers. */
export async function connectBySsh(
  { host, user, port }: SshEndpoint,
  { program = "ssh", arguments: more = [], command = defaultCommand }: SshOptions,
  connectTimeout: number,
): Promise<Channel> {
  // What is said first counts. In batch mode a question, such as for a password or about a host's key, is an error.
  const own = ["-T", "-o", "BatchMode=yes"];
  // A peer that is gone is to be noticed.
  const defaults = {
    ConnectTimeout: String(Math.max(1, Math.ceil(connectTimeout))),
    ServerAliveInterval: "60",
    ServerAliveCountMax: "3",
    ForwardX11: "no",
    ForwardAgent: "no",
    ClearAllForwardings: "yes",
  };
  const args = [
    ...own,
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...(user === undefined ? [] : ["-l", user]),
    ...more,
    ...Object.entries(defaults).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "--",
    host,
    command,
  ];
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const channel = new SshChannel(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code ?? "EIO";
      const message = `connect to ${host}: cannot run ${program}: ${code}`;
      reject(new StoreConnectionError(message, { file: program, code, cause }));
    });
  });
  return channel;
}

class SshChannel implements Channel {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #streams: StreamChannel;
  /** Fulfilled when the process is gone. */
  readonly #gone: Promise<void>;
  /** Fulfilled when, besides, everything that it said has been read. */
  readonly #silent: Promise<void>;
  #said = Buffer.alloc(0);
  #ending = "still running";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#streams = new StreamChannel(child.stdout, child.stdin);
    child.stderr.on("data", (piece: Buffer) => {
      this.#said = Buffer.concat([this.#said, piece]).subarray(-keptOfMessages);
    });
    child.stderr.on("error", () => {});
    this.#silent = new Promise((resolve) => child.once("close", () => resolve()));
    this.#gone = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#ending = signal === null ? `exit code ${code}` : `ended by ${signal}`;
        resolve();
      });
    });
  }

  receive(receiver: Receiver): void {
    this.#streams.receive({
      data: (memory, length) => receiver.data(memory, length),
      end: (error) => {
        // Why it ended comes by another way than that it has. A master process that ssh leaves behind, by its
        // configuration, may hold that way open.
        let tell: (() => void) | undefined = () => receiver.end(error);
        const finish = (): void => {
          clearTimeout(limit);
          tell?.();
          tell = undefined;
        };
        const limit = setTimeout(finish, grace);
        this.#silent.then(finish, finish);
      },
    });
  }

  write(data: Uint8Array): Wait {
    return this.#streams.write(data);
  }

  pause(): void {
    this.#streams.pause();
  }

  resume(): void {
    this.#streams.resume();
  }

  explain(): string {
    const lines = this.#said.toString().split(/[\r\n]+/);
    const said = lines.filter((line) => line.trim() !== "").slice(-3);
    return [`ssh: ${this.#ending}`, ...said].join("; ");
  }

  async close(): Promise<void> {
    const child = this.#child;
    await this.#streams.close();
    const timers = (["SIGTERM", "SIGKILL"] as const).map((signal, index) =>
      setTimeout(() => child.kill(signal), (index + 1) * grace),
    );
    await this.#gone;
    for (const timer of timers) clearTimeout(timer);
    child.stderr.destroy();
  }
}
