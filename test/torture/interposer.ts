// Preloaded into the daemon, and into nothing else: sits between it and the keeper's channel, kills it at crash points
// and seeds faults. The product knows nothing of it.

import net, { type Socket } from "node:net";
import { type Frame, FrameDecoder, frameKind } from "../../src/daemon/keeper/frame.js";
import { Ambush, type When } from "./ambush.js";
import { encodeFrame, faultOf } from "./faults.js";
import { Labeller } from "./labels.js";

/** How long, in ms, what a fault sends later is kept back. */
const laterTurn = 5;

const {
  SHEPHERD_TORTURE: directory,
  SHEPHERD_TORTURE_FAULT: faultName,
  SHEPHERD_KEEPER_FD: channel,
} = process.env;
if (directory === undefined || channel === undefined)
  throw new Error("interpose: SHEPHERD_TORTURE and SHEPHERD_KEEPER_FD must be set");
const ambush = new Ambush(directory);
const labeller = new Labeller();
const seen = new Set<string>();

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable: nobody outlives KILL");
}

function dieIfDue(when: When, labels: readonly string[]): void {
  if (ambush.isDue(when, labels)) die();
}

function only(frames: readonly Frame[]): Frame {
  const [frame, ...more] = frames;
  if (frame === undefined || more.length > 0)
    throw new Error(`interpose: ${frames.length} frames in one write`);
  return frame;
}

function interpose(socket: Socket): void {
  const write = socket.write.bind(socket);
  const emit = socket.emit.bind(socket);
  const decoder = new FrameDecoder();
  const fault = faultOf(
    faultName,
    (item) =>
      labeller.ofRequests({ kind: frameKind.request, flags: 0, tag: 0, items: [item] })[0] ===
      "acknowledge child-ended",
  );
  /** What waits for a later turn. */
  let held: Buffer[] | undefined;

  const send = (bytes: Buffer): boolean => {
    if (held === undefined) return write(bytes);
    held.push(bytes);
    return true;
  };
  const sendLater = (bytes: Buffer): void => {
    if (held !== undefined) {
      held.push(bytes);
      return;
    }
    held = [bytes];
    setTimeout(() => {
      const waiting = held ?? [];
      held = undefined;
      for (const frame of waiting) write(frame);
    }, laterTurn);
  };
  /** What was written until now is the kernel's. */
  const flush = (): void => {
    while (socket.writableCorked > 0) socket.uncork();
  };

  socket.write = (bytes: Uint8Array | string): boolean => {
    const frameBytes = Buffer.from(bytes as Uint8Array);
    const frame = only(new FrameDecoder().push(frameBytes));
    const labels = labeller.ofRequests(frame);
    ambush.note(labels.filter((label) => !seen.has(label) && seen.add(label)));
    if (ambush.isDue("before", labels)) {
      flush();
      die();
    }
    const { now, later } = fault?.outgoing(frame) ?? { now: frame };
    const outgoing = fault === undefined ? frameBytes : encodeFrame(now);
    if (ambush.isDue("half", labels)) {
      send(outgoing.subarray(0, outgoing.length >> 1));
      flush();
      die();
    }
    const mayGoOn = send(outgoing);
    if (later !== undefined) sendLater(encodeFrame(later));
    if (ambush.isDue("after", labels)) {
      flush();
      die();
    }
    return mayGoOn;
  };

  socket.emit = (name: string | symbol, ...args: readonly unknown[]): boolean => {
    if (name !== "data") return emit(name, ...args);
    const [chunk] = args as [Buffer];
    const frames = decoder.push(chunk);
    for (const frame of frames) if (frame.kind === frameKind.event) dieIfDue("on", labeller.ofEvents(frame));
    if (fault === undefined) return emit("data", chunk);
    const passed = frames.map((frame) => (frame.kind === frameKind.result ? fault.incoming(frame) : frame));
    const bytes = Buffer.concat(passed.flatMap((frame) => (frame === undefined ? [] : [encodeFrame(frame)])));
    return bytes.length === 0 || emit("data", bytes);
  };
}

Object.defineProperty(net, "Socket", {
  value: new Proxy(net.Socket, {
    construct(target, args: [{ fd?: number }?], newTarget) {
      const socket = Reflect.construct(target, args, newTarget) as Socket;
      if (args[0]?.fd === Number(channel)) interpose(socket);
      return socket;
    },
  }),
});

// Replies to clients go over sockets that the server makes by itself.
const { end } = net.Socket.prototype;
net.Socket.prototype.end = function (this: Socket, ...args: readonly unknown[]): Socket {
  const labels = typeof args[0] === "string" && args[0].startsWith("(reply") ? ["reply"] : [];
  dieIfDue("before", labels);
  const result = Reflect.apply(end, this, args) as Socket;
  dieIfDue("after", labels);
  return result;
};
