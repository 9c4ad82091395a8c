// A daemon's end of the launcher's socket, and a stand-in for Node that says how it was called.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  decodeLauncherRequest,
  encodeLauncherHello,
  type LauncherRequest,
  launcherSuffix,
  requestLength,
} from "../../../src/protocol/launcher.js";
import { project, type Variant } from "../../support/project.js";
import { type Outcome, run } from "../../support/run.js";

const variant = (process.env.SHEPHERD_TEST_VARIANT ?? "none") as Variant;
const launcher = join(project.native(variant), "herd");
export const zone = "TZ=UTC";
export const hello = encodeLauncherHello(zone);

/** What the stand-in for the client prints. */
export function clientOf(...args: readonly string[]): Outcome {
  return { status: 0, stdout: `client ${args.join("|")}\n`, stderr: "" };
}

export class Place {
  readonly directory: string;
  readonly socket: string;
  readonly node: string;
  readonly requests: LauncherRequest[] = [];
  connections = 0;

  constructor(context: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), "herd-"));
    context.after(() => rmSync(this.directory, { recursive: true, force: true }));
    this.socket = join(this.directory, "socket");
    this.node = join(this.directory, "node");
    // The first argument is the client's bundle.
    writeFileSync(
      this.node,
      '#!/bin/sh\nshift\nIFS="|"\n' +
        `[ -z "$SHEPHERD_HERD_REQUEST" ] || od -An -v -tx1 "/dev/fd/$SHEPHERD_HERD_REQUEST" | tr -d ' \\n' > "${this.directory}/lost"\n` +
        '[ -z "$NODE_EXTRA_CA_CERTS" ] || echo certificates\necho "client $*"\n',
    );
    chmodSync(this.node, 0o755);
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      TZ: "UTC",
      SHEPHERD_NODE: this.node,
      NODE_EXTRA_CA_CERTS: "/nowhere",
      ASAN_OPTIONS: "detect_leaks=0",
    };
  }

  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return run(launcher, args, { env: { ...this.environment, ...env }, cwd: this.directory });
  }

  herd(...args: readonly string[]): Promise<Outcome> {
    return this.run(["-s", this.socket, ...args]);
  }

  /** As `herd`, with a shell around it: `"$@"` is the launcher and its arguments. */
  shell(script: string, ...args: readonly string[]): Promise<Outcome> {
    return run("sh", ["-c", script, "sh", launcher, "-s", this.socket, ...args], {
      env: this.environment,
      cwd: this.directory,
    });
  }

  /** Listens beside the control socket; `connected` is what is done with a connection. */
  listen(
    context: TestContext,
    connected: (socket: Socket) => void,
    suffix = launcherSuffix,
  ): Promise<Server> {
    const server = createServer((socket) => {
      this.connections += 1;
      socket.on("error", () => socket.destroy());
      connected(socket);
    });
    context.after(() => void server.close());
    return new Promise((resolve) => server.listen(this.socket + suffix, () => resolve(server)));
  }

  /** A daemon that says hello, and gives each request to `answer`. */
  daemon(context: TestContext, answer: (socket: Socket, request: LauncherRequest) => void): Promise<Server> {
    return this.listen(context, (socket) => {
      socket.write(hello);
      let bytes: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        const length = requestLength(bytes);
        if (length === undefined || bytes.length < 4 + length) return;
        const request = decodeLauncherRequest(bytes.subarray(4, 4 + length));
        this.requests.push(request);
        bytes = Buffer.alloc(0);
        answer(socket, request);
      });
    });
  }
}
