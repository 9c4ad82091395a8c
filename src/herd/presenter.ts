// The two ways in which the outcome of a command reaches standard output: text for people, one JSON document for programs.
import type { Reply } from "../protocol/messages.js";
import type { Output } from "./output.js";
import type { DetailOptions } from "./render/detail.js";
import type { JsonValue } from "./render/json.js";
import type { Subject, View } from "./views/view.js";

export interface Presenter {
  /** One of the command's messages, as it arrives. */
  readonly message: (line: string) => void;
  /** The reply, whose messages have been handed over. */
  readonly reply: (reply: Reply, view: View, subject: Subject) => void;
  readonly error: (error: JsonValue) => void;
}

export function textPresenter(output: Output, options: DetailOptions): Presenter {
  return {
    message: (line) => output.write(`${line}\n`),
    reply: (reply, view, subject) => output.write(view.text(reply, subject, options)),
    // Errors are told on standard error, in both ways.
    error: () => undefined,
  };
}

/** @param heard the messages that have arrived before */
export function jsonPresenter(output: Output, heard: readonly string[] = []): Presenter {
  const messages = [...heard];
  const write = (value: JsonValue) => output.write(`${JSON.stringify(value, undefined, 2)}\n`);
  return {
    message: (line) => messages.push(line),
    reply: (reply, view, subject) => write(view.json({ ...reply, messages }, subject)),
    error: (error) => write({ error }),
  };
}
