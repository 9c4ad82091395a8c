// The daemon of the keeper's tests: joins the keeper to the test, which decides everything. Run by the keeper, once for
// each generation; what it hears and is told goes over a socket of the test's, one JSON value a line.

import { writeSync } from "node:fs";
import { connect, createServer, Socket } from "node:net";
import { createInterface } from "node:readline";
import { connectKeeper } from "../../../src/daemon/keeper/client.js";
import { FrameDecoder } from "../../../src/daemon/keeper/frame.js";
import type { Keeper, Result } from "../../../src/daemon/keeper/types.js";
import { decodeMessage } from "../../../src/daemon/keeper/wire.js";
import { type Command, decode, encode, type Report } from "./link.js";

const control = 3;

/** Writes raw frames on the control channel and resolves with the results of all of them. */
function exchange(frames: readonly Uint8Array[]): Promise<readonly Result[]> {
  const decoder = new FrameDecoder();
  const results: Result[] = [];
  let answered = 0;
  return new Promise((resolve) => {
    const socket = new Socket({ fd: control, readable: true, writable: true });
    socket.on("data", (chunk) => {
      for (const message of decoder.push(chunk).map(decodeMessage)) {
        if (message.kind !== "results") continue;
        answered++;
        results.push(...message.results.map(({ result }) => result));
      }
      if (answered === frames.length) resolve(results);
    });
    for (const frame of frames) socket.write(frame);
  });
}

function obey(command: Command, keeper: Keeper | undefined, report: (value: Report) => void): void {
  const refused = (error: Error): void => report({ kind: "refused", reason: error.message });
  switch (command.kind) {
    case "send":
      if (keeper === undefined) throw new Error("agent: it is mute");
      keeper
        .send(command.requests, { stopOnError: command.stopOnError })
        .then((results) => report({ kind: "results", results }), refused);
      break;
    case "exchange":
      exchange(command.frames).then((results) => report({ kind: "results", results }), refused);
      break;
    case "raw":
      writeSync(control, command.bytes);
      break;
    case "last-words":
      writeSync(control, command.bytes);
      process.kill(process.pid, "SIGKILL");
      break;
    case "print":
      writeSync(1, command.text);
      report({ kind: "results", results: [] });
      break;
    case "serve":
      createServer((client) => client.end(`${process.env.SHEPHERD_GENERATION}`)).listen(
        { fd: command.descriptor },
        () => report({ kind: "results", results: [] }),
      );
      break;
    case "spin":
      for (;;);
    case "exit":
      process.exit(command.code);
  }
}

const [path, mode] = process.argv.slice(2);
if (path === undefined) throw new Error("agent: no socket given");

// SIGUSR1 must not open the inspector, and TERM is the keeper's business.
for (const signal of ["SIGUSR1", "SIGTERM"] as const) process.on(signal, () => {});

const link = connect(path);
// The test is over.
link.on("error", () => process.exit(0));
link.on("close", () => process.exit(0));
const report = (value: Report): void => {
  link.write(`${encode(value)}\n`);
};

const keeper = mode === "--mute" ? undefined : await connectKeeper(control);
keeper?.onLost(() => process.exit(111));
report({ kind: "hello", pid: process.pid, environment: process.env, inventory: keeper?.inventory });
keeper?.onEvent((event) => report({ kind: "event", event }));
createInterface({ input: link }).on("line", (line) => obey(decode(line) as Command, keeper, report));
