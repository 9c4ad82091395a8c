// The first exchange on a connection: both sides name themselves and their versions, and agree on one.

import { type Conversation, converse } from "./messages.js";
import { type Decoder, int } from "./wire/decode.js";
import { Encoder } from "./wire/encoder.js";
import type { Input } from "./wire/input.js";

/** What was agreed on. A version is `major * 256 + minor`; the majors are the same. */
export interface Versions {
  /** The daemon's own. */
  readonly daemon: number;
  /** What was announced to it. */
  readonly client: number;
  /** The lesser of both minors: it says which fields requests and answers have. */
  readonly minor: number;
  /** Whether it is a Nix daemon and not Guix's. */
  readonly nix: boolean;
}

export interface HandshakeOptions {
  /** Whether the daemon is to keep some space of its disk for the garbage collector, or to free that space. */
  readonly reserveSpace: boolean;
  /** The CPU that the daemon's process for this connection, and so its builders, are to run on. */
  readonly cpuAffinity: number | undefined;
}

const magic = { client: 0x6e697863, daemon: 0x6478696f } as const;

const ours = 0x163;
/** The newest that Nix daemons log builds by and speak as Guix's do otherwise. */
const oursForNix = 0x114;
const firstOfGuix = 0x60;
const minorOf = (version: number): number => version & 0xff;
const majorOf = (version: number): number => version >>> 8;

/**
 * What to announce to a daemon. Guix's own daemons have minors from 0x60 on; a Nix daemon would take such a number for a
 * version of its own that is far newer than itself.
 */
export function negotiate(daemon: number): Versions {
  const nix = minorOf(daemon) < firstOfGuix;
  const client = nix ? Math.min(daemon, oursForNix) : ours;
  return { daemon, client, minor: Math.min(minorOf(daemon), minorOf(client)), nix };
}

/** Since when Nix daemons tell of activities. */
const firstWithActivities = 0x14;

export const hasActivities = ({ nix, minor }: Versions): boolean => nix && minor >= firstWithActivities;

export function* handshake(
  input: Input,
  send: (data: Buffer) => void,
  conversation: Omit<Conversation, "input" | "subject" | "activities">,
  { reserveSpace, cpuAffinity }: HandshakeOptions,
): Decoder<Versions> {
  const subject = "build daemon handshake failed";
  input.begin(subject);
  send(new Encoder().int(magic.client).done());
  const greeting = yield* int(input, "the daemon's magic number");
  if (greeting !== magic.daemon)
    input.fail("the daemon's magic number", `0x${greeting.toString(16)} is not a daemon's`);
  const daemon = yield* int(input, "the daemon's version");
  if (majorOf(daemon) !== majorOf(ours))
    input.fail("the daemon's version", `0x${daemon.toString(16)} is not of the protocol 0x1xx`);
  const versions = negotiate(daemon);
  const rest = new Encoder().int(versions.client);
  if (versions.minor >= 14) {
    rest.flag(cpuAffinity !== undefined);
    if (cpuAffinity !== undefined) rest.int(cpuAffinity);
  }
  if (versions.minor >= 11) rest.flag(reserveSpace);
  send(rest.done());
  yield* converse({ ...conversation, input, subject, activities: hasActivities(versions) });
  return versions;
}
