// A daemon for the client's tests: takes one command per connection and answers what the test says.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, decodeCommand } from "../../src/protocol/messages.js";
import { SexpReader } from "../../src/protocol/sexp-reader.js";
import { type Outcome, type RunOptions, run } from "../support/run.js";

export interface FakeDaemon {
  readonly path: string;
  /** Every command that came. */
  readonly commands: readonly Command[];
  /** Runs our herd against it. */
  herd(...args: string[]): Promise<Outcome>;
  close(): Promise<void>;
}

export type Answer = string | ((socket: Socket, command: Command) => void);

/** A text is sent, and the connection is closed after it. */
export async function fakeDaemon(answer: Answer): Promise<FakeDaemon> {
  const directory = await mkdtemp(join(tmpdir(), "herd-"));
  const path = join(directory, "socket");
  const commands: Command[] = [];
  const server = createServer((socket) => {
    const reader = new SexpReader();
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      reader.feed(chunk);
      const expression = reader.read();
      if (expression === undefined) return;
      const command = decodeCommand(expression);
      commands.push(command);
      if (typeof answer === "string") socket.end(answer);
      else answer(socket, command);
    });
  });
  await listen(server, path);
  return {
    path,
    commands,
    herd: (...args) => herd(["-s", path, ...args]),
    close: async () => {
      server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const client = fileURLToPath(new URL("../../src/herd/main.js", import.meta.url));

export function herd(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env = { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C.UTF-8", ...options.env };
  return run(process.execPath, [client, ...args], { ...options, env });
}

export function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}

export function reply(result: string, messages = "", error = "#f"): string {
  return `(reply (version 0) (result ${result}) (error ${error}) (messages (${messages})))`;
}
