// Connects to an endpoint, within a time.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Duplex } from "node:stream";
import { type Endpoint, resolveEndpoint } from "../endpoint.js";
import { StoreConnectionError } from "../errors.js";
import type { Channel } from "./channel.js";
import { connectSocket, type SocketChannel } from "./socket-channel.js";
import { connectBySsh, type SshOptions } from "./ssh.js";
import { streamChannel } from "./stream-channel.js";

/** By what names messages know who is at the other end of a connection. */
interface Names {
  /** As `file` of a StoreConnectionError. */
  readonly file: string;
  /** Such as `the daemon at /var/guix/daemon-socket/socket`. */
  readonly peer: string;
}

/** Where a connection is to lead, or a stream that leads there already. */
export interface Target extends Names {
  readonly way: Endpoint | Duplex;
}

export interface Connected extends Names {
  readonly channel: Channel;
}

export interface ConnectOptions {
  /** Ends the attempt; its reason is what the attempt then fails with. */
  readonly signal: AbortSignal;
  /** Seconds, for ssh, which has a limit of its own. */
  readonly connectTimeout: number;
  readonly ssh: SshOptions;
}

/** Throws a StoreConnectionError for a URI that is none. */
export function targetOf(uri: string): Target {
  const way = resolveEndpoint(uri);
  const { file, shown } = names(way);
  return { way, file, peer: `the daemon at ${shown}` };
}

export function givenStream(stream: Duplex): Target {
  return { way: stream, file: "a stream", peer: "the daemon at the other end of a stream" };
}

function names(endpoint: Endpoint): { readonly file: string; readonly shown: string } {
  if (endpoint.kind === "unix") return { file: endpoint.file, shown: endpoint.file };
  const { host, port } = endpoint;
  const place = `${isIP(host) === 6 ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`;
  const user = endpoint.kind === "ssh" && endpoint.user !== undefined ? `${endpoint.user}@` : "";
  return { file: host, shown: `${endpoint.kind === "ssh" ? "ssh" : "guix"}://${user}${place}` };
}

export async function connectTo({ way, file, peer }: Target, options: ConnectOptions): Promise<Connected> {
  try {
    const channel = way instanceof Duplex ? streamChannel(way) : await open(way, options);
    return { channel, file, peer };
  } catch (cause) {
    if (cause instanceof StoreConnectionError || options.signal.aborted) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? "EIO";
    throw new StoreConnectionError(`connect to ${peer}: ${code}`, { file, code, cause });
  }
}

async function open(endpoint: Endpoint, options: ConnectOptions): Promise<Channel> {
  switch (endpoint.kind) {
    case "unix":
      return connectSocket({ path: endpoint.file }, options.signal);
    case "tcp":
      return connectByTcp(endpoint, options);
    case "ssh":
      return connectBySsh(endpoint, options.ssh, options.connectTimeout);
  }
}

/** Every address of the host in turn, each for its share of the time; fails with what the last one failed with. */
async function connectByTcp(
  { host, port }: Extract<Endpoint, { readonly kind: "tcp" }>,
  { signal, connectTimeout }: ConnectOptions,
): Promise<SocketChannel> {
  const addresses = await Promise.race([lookup(host, { all: true, verbatim: true }), aborted(signal)]);
  let failure: unknown = Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" });
  for (const { address } of addresses) {
    const share = AbortSignal.timeout(Math.ceil((connectTimeout * 1000) / addresses.length));
    try {
      const channel = await connectSocket({ host: address, port }, AbortSignal.any([signal, share]));
      channel.socket.setNoDelay(true);
      // So that one waits no longer than the kernel does for a machine that is gone.
      channel.socket.setKeepAlive(true, 60_000);
      return channel;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failure = share.aborted
        ? Object.assign(new Error(`${address} does not answer`), { code: "ETIMEDOUT" })
        : error;
    }
  }
  throw failure;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.throwIfAborted();
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
