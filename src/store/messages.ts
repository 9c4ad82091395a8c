// What a daemon sends after each request before the values that the request asks for: log text, data for the caller and
// demands for data of the caller's, and at last that it is done, or why it failed.

import { StoreProtocolError, TruncatedError } from "./errors.js";
import { anyWord, bytes, type Decoder, int, list, string, type Wait } from "./wire/decode.js";
import type { Input } from "./wire/input.js";

/** Gives the next bytes for a daemon, at most `limit`, and none at the end. */
export type Source = (limit: number) => Promise<Uint8Array>;

/** Takes data from a daemon, in memory of its own; gives what has to be waited for before more of it. */
export type Sink = (data: Buffer) => Wait;

/** What the messages of one request are about. */
export interface Conversation {
  readonly input: Input;
  /** What is asked, for messages. */
  readonly subject: string;
  /** Whether activities may come: from a Nix daemon, since its version 1.20. */
  readonly activities: boolean;
  /** Takes log text; gives what has to be waited for before more of it. */
  log(text: Uint8Array): Wait;
  /** Absent for requests that bring no data. */
  readonly source: Source | undefined;
  /** Sends what `source` gave. */
  answer(data: Uint8Array): Wait;
  /** Absent for requests that ask for none. */
  readonly sink: Sink | undefined;
}

interface MessageType {
  readonly name: string;
  readonly handle: (conversation: Conversation) => Decoder<void>;
  /** Whether it is one of Nix's activities. */
  readonly activity?: true;
}

const messageTypes: ReadonlyMap<number, MessageType> = new Map([
  [0x6f6c6d67, { name: "log text", handle: next }],
  [0x64617461, { name: "demand for data", handle: read }],
  [0x64617416, { name: "data", handle: write }],
  [0x63787470, { name: "error", handle: error }],
  [0x53545254, { name: "start of an activity", handle: startActivity, activity: true }],
  [0x53544f50, { name: "end of an activity", handle: stopActivity, activity: true }],
  [0x52534c54, { name: "result of an activity", handle: result, activity: true }],
]);

const last = 0x616c7473;

/** Longest message of an error that is accepted. */
const longestMessage = 1024 ** 2;

/** Runs until the daemon says that the request is done; throws a StoreProtocolError for its error. */
export function* converse(conversation: Conversation): Decoder<void> {
  const { input, subject, activities } = conversation;
  for (;;) {
    input.begin(subject);
    const word = yield* int(input, "the type of a message");
    if (word === last) {
      input.begin(subject);
      return;
    }
    const type = messageTypes.get(word);
    if (type === undefined || (type.activity === true && !activities)) return input.refuse(word);
    input.begin(`${subject}: ${type.name}`);
    yield* type.handle(conversation);
  }
}

/** Takes the message that the request is done, if that is the first that has arrived. */
export function isDoneAtOnce({ input, subject }: Conversation): boolean {
  input.begin(subject);
  if (input.available < 8 || !input.nextIs(last)) return false;
  input.takeInt("the type of a message");
  input.begin(subject);
  return true;
}

function* next(conversation: Conversation): Decoder<void> {
  const wait = conversation.log(yield* bytes(conversation.input, "the text"));
  if (wait !== undefined) yield wait;
}

/** Bytes in one answer to a demand: the daemon asks for more than it uses at once. */
const mostAtOnce = 64 * 1024;

const nothing = Buffer.alloc(0);

function* read(conversation: Conversation): Decoder<void> {
  const { input, source } = conversation;
  const most = yield* int(input, "the number of bytes");
  if (source === undefined) return input.fail("the number of bytes", "the request brings no data");
  let data: Uint8Array = nothing;
  yield source(Math.min(most, mostAtOnce)).then((taken) => {
    data = taken;
  });
  const wait = conversation.answer(data);
  if (wait !== undefined) yield wait;
}

function* write({ input, sink }: Conversation): Decoder<void> {
  const data = yield* bytes(input, "the data");
  if (sink === undefined) return input.fail("the data", "the request asks for none");
  const wait = sink(Buffer.from(data));
  if (wait !== undefined) yield wait;
}

function* error({ input }: Conversation): Decoder<void> {
  const message = yield* string(input, "the message", longestMessage);
  const status = yield* errorStatus(input);
  throw new StoreProtocolError(plain(message), status);
}

/** A daemon that cannot even open its store may end without the status. */
function* errorStatus(input: Input): Decoder<number> {
  try {
    return yield* int(input, "the status");
  } catch (problem) {
    if (problem instanceof TruncatedError && input.available === 0) return 1;
    throw problem;
  }
}

/** Nix's messages are coloured, and begin with a word that says that they are errors. */
function plain(message: string): string {
  const text = message.replace(colour, "");
  return text === message ? message : text.replace(/^error: */, "");
}

// biome would have no control character in a literal.
const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/** Activities up to this level are told, as Nix's own client does: errors, warnings, notices and information. */
const informationLevel = 3;

function* startActivity(conversation: Conversation): Decoder<void> {
  const { input } = conversation;
  yield* anyWord(input, "the activity");
  const level = yield* int(input, "the level");
  yield* int(input, "the type");
  const text = yield* string(input, "the text", longestMessage);
  yield* activityFields(input);
  yield* anyWord(input, "the activity above");
  if (level > informationLevel || text === "") return;
  const wait = conversation.log(Buffer.from(`${text}\n`));
  if (wait !== undefined) yield wait;
}

function* stopActivity({ input }: Conversation): Decoder<void> {
  yield* anyWord(input, "the activity");
}

/** A line that a builder wrote. */
const buildLogLine = 101;

function* result(conversation: Conversation): Decoder<void> {
  const { input } = conversation;
  yield* anyWord(input, "the activity");
  const type = yield* int(input, "the type");
  const [line] = yield* activityFields(input);
  if (type !== buildLogLine || line === undefined) return;
  const wait = conversation.log(Buffer.concat([line, newline]));
  if (wait !== undefined) yield wait;
}

const newline = Buffer.from("\n");

/** Those that are strings; others are numbers, of all 64 bits, as the names of activities are. */
function activityFields(input: Input): Decoder<readonly (Buffer | undefined)[]> {
  return list(input, "fields", function* () {
    const type = yield* int(input, "the type of a field");
    if (type === 1) return Buffer.from(yield* bytes(input, "a field"));
    if (type !== 0) input.fail("the type of a field", `${type} is unknown`);
    yield* anyWord(input, "a field");
    return undefined;
  });
}
