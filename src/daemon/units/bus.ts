// Waits for a name on the system's D-Bus to have an owner, with as much of the protocol as that takes: an authentication,
// three calls and a signal. Whatever else comes is passed over, and nothing that comes is trusted to be well-formed.

import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const usualAddress = "unix:path=/run/dbus/system_bus_socket";
/** Longer messages are none that we ask for. */
const longest = 131_072;
/** How long, in ms, a bus that has broken the connection is left alone. */
const pause = 200;
const bus = "org.freedesktop.DBus";
const messageTypes = { call: 1, reply: 2, signal: 4 } as const;
const serials = { hello: 1, addMatch: 2, hasOwner: 3 } as const;

/** `owned`: somebody owns the name. `no bus`: there is none to ask. */
export type NameOutcome = "owned" | "no bus";

/**
 * Resolves when a name on the system bus has an owner, or there is no such bus. A bus that goes away meanwhile is asked again.
 * @param environment `NAME=VALUE` strings, of which DBUS_SYSTEM_BUS_ADDRESS counts
 */
export async function untilBusName(
  name: string,
  environment: readonly string[],
  signal: AbortSignal,
): Promise<NameOutcome> {
  const given = environment.find((variable) => variable.startsWith("DBUS_SYSTEM_BUS_ADDRESS="));
  const paths = busPaths(given?.slice(given.indexOf("=") + 1) ?? usualAddress);
  for (;;) {
    let reached = false;
    for (const path of paths) {
      const outcome = await ask(path, name, signal);
      if (outcome === "owned") return outcome;
      reached ||= outcome === "lost";
      signal.throwIfAborted();
    }
    if (!reached) return "no bus";
    await delay(pause, undefined, { signal });
  }
}

/** The sockets of an address list that are Unix sockets, as Node connects to them. */
export function busPaths(addresses: string): readonly string[] {
  return addresses.split(";").flatMap((address) => {
    if (!address.startsWith("unix:")) return [];
    const keys = new Map(
      address
        .slice("unix:".length)
        .split(",")
        .map((pair) => {
          const equals = pair.indexOf("=");
          return [pair.slice(0, equals), unescaped(pair.slice(equals + 1))] as const;
        }),
    );
    const path = keys.get("path");
    const abstract = keys.get("abstract");
    if (path !== undefined) return [path];
    return abstract === undefined ? [] : [`\0${abstract}`];
  });
}

/** `%XX` stands for a byte. */
function unescaped(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** One connection. `lost`: it was there, and is no more; `none`: nobody listens. */
async function ask(path: string, name: string, signal: AbortSignal): Promise<"owned" | "lost" | "none"> {
  const socket = connect({ path });
  const close = (): void => {
    socket.destroy();
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    return await new Promise((resolve) => {
      let connected = false;
      let authenticated = false;
      let received: Buffer = Buffer.alloc(0);
      const uid = process.geteuid?.() ?? 0;
      socket.on("connect", () => {
        connected = true;
        socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString("hex")}\r\n`);
      });
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (!authenticated) {
          const end = received.indexOf("\r\n");
          if (end < 0 && received.length < longest) return;
          if (!received.toString("latin1", 0, Math.max(0, end)).startsWith("OK ")) {
            socket.destroy();
            return;
          }
          authenticated = true;
          received = received.subarray(end + 2);
          socket.write("BEGIN\r\n");
          for (const call of calls(name)) socket.write(call);
        }
        const { messages, rest } = split(received);
        received = rest ?? Buffer.alloc(0);
        if (messages.some((message) => saysOwned(message, name))) {
          resolve("owned");
          socket.destroy();
        } else if (rest === undefined) socket.destroy();
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => resolve(connected ? "lost" : "none"));
    });
  } finally {
    signal.removeEventListener("abort", close);
    socket.destroy();
  }
}

function calls(name: string): readonly Buffer[] {
  const rule = `type='signal',sender='${bus}',interface='${bus}',member='NameOwnerChanged',arg0='${name}'`;
  return [
    encodeCall(serials.hello, "Hello"),
    encodeCall(serials.addMatch, "AddMatch", rule),
    encodeCall(serials.hasOwner, "NameHasOwner", name),
  ];
}

// Messages, little-endian

function encodeCall(serial: number, member: string, argument?: string): Buffer {
  const fields = new Writer();
  const field = (code: number, type: string, value: string): void => {
    fields.align(8);
    fields.byte(code);
    fields.signature(type);
    if (type === "g") fields.signature(value);
    else fields.string(value);
  };
  field(1, "o", "/org/freedesktop/DBus");
  field(2, "s", bus);
  field(3, "s", member);
  field(6, "s", bus);
  if (argument !== undefined) field(8, "g", "s");
  const body = new Writer();
  if (argument !== undefined) body.string(argument);
  const head = new Writer();
  head.byte("l".charCodeAt(0));
  head.byte(messageTypes.call);
  head.byte(0);
  head.byte(1);
  head.number(body.length);
  head.number(serial);
  head.number(fields.length);
  head.append(fields);
  head.align(8);
  head.append(body);
  return head.bytes;
}

class Writer {
  #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  align(to: number): void {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
  }

  byte(value: number): void {
    this.#bytes.push(value);
  }

  number(value: number): void {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff);
  }

  string(text: string): void {
    const bytes = Buffer.from(text);
    this.number(bytes.length);
    this.#bytes.push(...bytes, 0);
  }

  signature(text: string): void {
    const bytes = Buffer.from(text);
    this.#bytes.push(bytes.length, ...bytes, 0);
  }

  append(other: Writer): void {
    this.#bytes.push(...other.#bytes);
  }
}

interface Message {
  readonly type: number;
  readonly fields: ReadonlyMap<number, string | number>;
  readonly body: Reader;
}

/** The whole messages that were received; `rest` is undefined where what follows is none. */
function split(received: Buffer): { readonly messages: readonly Message[]; readonly rest?: Buffer } {
  const messages: Message[] = [];
  let rest = received;
  for (;;) {
    if (rest.length < 16) return { messages, rest };
    const little = rest[0] === "l".charCodeAt(0);
    const number = (at: number): number => (little ? rest.readUInt32LE(at) : rest.readUInt32BE(at));
    const fieldsLength = number(12);
    const bodyLength = number(4);
    if (fieldsLength > longest || bodyLength > longest) return { messages };
    const bodyAt = Math.ceil((16 + fieldsLength) / 8) * 8;
    const length = bodyAt + bodyLength;
    if (rest.length < length) return { messages, rest };
    try {
      const fields = readFields(new Reader(rest.subarray(0, 16 + fieldsLength), little, 16));
      messages.push({
        type: rest[1] ?? 0,
        fields,
        body: new Reader(rest.subarray(bodyAt, length), little, 0),
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    rest = rest.subarray(length);
  }
}

function readFields(reader: Reader): Map<number, string | number> {
  const fields = new Map<number, string | number>();
  while (!reader.isAtEnd) {
    reader.align(8);
    const code = reader.byte();
    const type = reader.signature();
    if (type === "s" || type === "o") fields.set(code, reader.string());
    else if (type === "g") fields.set(code, reader.signature());
    else if (type === "u") fields.set(code, reader.number());
    else break;
  }
  return fields;
}

/** Throws RangeError where it is to read beyond the end. */
class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at: number;

  constructor(bytes: Buffer, little: boolean, at: number) {
    this.#bytes = bytes;
    this.#little = little;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  align(to: number): void {
    this.#at = Math.ceil(this.#at / to) * to;
  }

  byte(): number {
    const value = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    return value;
  }

  number(): number {
    this.align(4);
    const value = this.#little ? this.#bytes.readUInt32LE(this.#at) : this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  string(): string {
    return this.#text(this.number());
  }

  signature(): string {
    return this.#text(this.byte());
  }

  #text(length: number): string {
    const end = this.#at + length;
    if (end >= this.#bytes.length) throw new RangeError("a text goes beyond the end of its message");
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }
}

const fieldCodes = { interface: 2, member: 3, replyTo: 5 } as const;

function saysOwned({ type, fields, body }: Message, name: string): boolean {
  try {
    if (type === messageTypes.reply)
      return fields.get(fieldCodes.replyTo) === serials.hasOwner && body.number() === 1;
    const isChange =
      type === messageTypes.signal &&
      fields.get(fieldCodes.interface) === bus &&
      fields.get(fieldCodes.member) === "NameOwnerChanged";
    if (!isChange || body.string() !== name) return false;
    body.string();
    return body.string() !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
