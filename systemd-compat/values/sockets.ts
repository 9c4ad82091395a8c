// Values of .socket units: what is listened to, and how.

import { largest, parseBoolean, parseBounded } from "../parser/number.js";
import { isAbsolute } from "../parser/path.js";
import { parseSocketAddress, type SocketAddress } from "../parser/socket-address.js";
import { absolutePath, runtimePath, vitally } from "./files.js";
import { listOf } from "./lists.js";
import { checkDescriptorName } from "./streams.js";
import { BadValue, mismatch, scalar, type ValueContext, type ValueType } from "./type.js";

/** Something that a socket unit listens to. */
export type Listener =
  | { readonly kind: "stream" | "datagram" | "seqpacket"; readonly address: SocketAddress }
  | { readonly kind: "fifo" | "special" | "usb-function"; readonly path: string }
  | { readonly kind: "netlink"; readonly family: string; readonly group: number }
  | { readonly kind: "message-queue"; readonly name: string };

/** Listeners of all kinds are one list, which an empty assignment of any kind empties. */
function listeners(
  expected: string,
  read: (text: string, context: ValueContext) => Listener,
): ValueType<readonly Listener[]> {
  return {
    expected,
    parse: (text, previous = [], context) =>
      text === "" ? undefined : [...previous, read(context.expand(text), context)],
  };
}

const addressRule = "a port, ADDRESS:PORT, an absolute path or @NAME";

function socketOf(kind: "stream" | "datagram" | "seqpacket"): ValueType<readonly Listener[]> {
  return listeners(addressRule, (text, context) => {
    const given = isAbsolute(text) ? vitally(() => runtimePath(text, context)) : text;
    const address = parseSocketAddress(given);
    if (address === undefined || given === "/") throw new BadValue(mismatch(addressRule, text));
    if (kind === "seqpacket" && address.family !== "unix" && address.family !== "abstract")
      throw new BadValue(mismatch("an absolute path or @NAME", text));
    return { kind, address };
  });
}

function fileOf(kind: "fifo" | "special" | "usb-function"): ValueType<readonly Listener[]> {
  return listeners("an absolute path", (text, context) => ({ kind, path: runtimePath(text, context) }));
}

export const streamSocket = socketOf("stream");
export const datagramSocket = socketOf("datagram");
export const seqpacketSocket = socketOf("seqpacket");
export const fifo = fileOf("fifo");
export const specialFile = fileOf("special");
export const usbFunction = fileOf("usb-function");

const netlinkRule = 'a netlink family and a group, such as "audit 1"';
export const netlinkSocket = listeners(netlinkRule, (text) => {
  const [, family, groupText = "0"] = /^([a-z0-9-]+)(?:[ \t]+(\S+))?$/.exec(text) ?? [];
  const group = parseBounded(groupText, 0, largest.unsigned);
  if (family === undefined || group === undefined) throw new BadValue(mismatch(netlinkRule, text));
  return { kind: "netlink", family, group };
});

export const messageQueue = listeners("the name of a message queue", (text) => {
  if (!/^\/[^/]+$/.test(text)) throw new BadValue(mismatch('a name such as "/queue"', text));
  return { kind: "message-queue", name: text };
});

/** Symbolic links to the unit's one socket or FIFO in the file system. */
export const symlinks: ValueType<readonly string[]> = listOf(
  { expected: "absolute paths" },
  (word, context) => absolutePath(context.expand(word)),
);

export const descriptorName: ValueType<string> = {
  expected: "a name without colons",
  parse(text, _previous, context) {
    const name = context.expand(text);
    return name === "" ? undefined : checkDescriptorName(name);
  },
};

/** A network interface, by its name as the kernel allows it. */
export const networkInterface = scalar(
  "the name of a network interface",
  (text) => {
    const isName = /^[^\s/:%\p{Cc}]{1,15}$/u.test(text) && !/^\d+$|^\.{1,2}$/.test(text);
    return isName ? text : undefined;
  },
  { emptyResets: true },
);

const bindRules = ["default", "both", "ipv6-only"] as const;

/** Whether a socket of IPv6 takes connections of IPv4 too; yes and no say whether it is for IPv6 only. */
export const bindIpv6Only = scalar<(typeof bindRules)[number]>(`one of ${bindRules.join(", ")}`, (text) => {
  const only = parseBoolean(text);
  if (only !== undefined) return only ? "ipv6-only" : "both";
  return bindRules.find((one) => one === text);
});

const timestamps = ["off", "us", "ns"] as const;
const timestampAliases: Readonly<Record<string, (typeof timestamps)[number]>> = {
  usec: "us",
  µs: "us",
  μs: "us",
  nsec: "ns",
  yes: "ns",
  1: "ns",
  no: "off",
  0: "off",
};
export const timestamping = scalar<(typeof timestamps)[number]>(
  "one of off, us, ns",
  (text) =>
    timestamps.find((one) => one === text) ??
    (Object.hasOwn(timestampAliases, text) ? timestampAliases[text] : undefined),
);

const services: Readonly<Record<string, number>> = {
  "low-delay": 0x10,
  throughput: 0x08,
  reliability: 0x04,
  "low-cost": 0x02,
};
export const typeOfService = scalar(
  "low-delay, throughput, reliability, low-cost, or a number up to 255",
  (text) => (Object.hasOwn(services, text) ? services[text] : parseBounded(text, 0, 255)),
);

export const socketProtocol = scalar<"udplite" | "sctp" | "mptcp">("one of udplite, sctp, mptcp", (text) =>
  text === "udplite" || text === "sctp" || text === "mptcp" ? text : undefined,
);
