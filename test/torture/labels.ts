// What the daemon and the keeper say to each other, in a few words: the names of the crash points.

import { FieldReader, type Frame } from "../../src/daemon/keeper/frame.js";
import { timers } from "./fleet.js";

const requests: Readonly<Record<number, string>> = {
  1: "hello",
  2: "spawn",
  3: "adopt",
  4: "signal-child",
  5: "signal-process",
  6: "pipe",
  7: "listen",
  8: "socket-pair",
  9: "memory-file",
  10: "open",
  11: "notify-socket",
  12: "close",
  13: "watch",
  14: "accept",
  15: "pass",
  16: "put-note",
  17: "delete-note",
  18: "arm-timer",
  19: "disarm-timer",
  20: "acknowledge",
  21: "configure",
  22: "begin-shutdown",
  23: "finish",
  24: "relaunch",
  25: "hibernate",
  26: "replace-keeper",
  27: "tell-manager",
  28: "set-option",
  33: "end-children",
  34: "stand-by",
  35: "stand-down",
};

const events: Readonly<Record<number, string>> = {
  128: "child-started",
  129: "child-ended",
  130: "orphan-ended",
  131: "readable",
  132: "datagram",
  133: "timer-fired",
  134: "clock-was-set",
  135: "signal",
  136: "daemon-restarted",
};

const tag = { id: 10, name: 20, key: 45, value: 46, event: 50 } as const;
/** Ids and names of the supervisor's own things; all others are services'. */
const own = /^(log-writer|log-compressor|log|compiler|successor|control|launchers|connection)(?=[/#]|$)/;

/** Names what flows over one channel; knows which event each number was. */
export class Labeller {
  readonly #events = new Map<bigint, string>();

  /** One for each request, in order. */
  ofRequests({ items }: Frame): readonly string[] {
    return items.map(({ type, fields }) => {
      const verb = requests[type] ?? `request-${type}`;
      const detail = this.#detail(verb, new FieldReader(fields));
      return detail === undefined ? verb : `${verb} ${detail}`;
    });
  }

  /** One for each event, in order. */
  ofEvents({ items }: Frame): readonly string[] {
    return items.map(({ type, fields }) => {
      const name = events[type] ?? `event-${type}`;
      this.#events.set(new FieldReader(fields).big(tag.event), name);
      return name;
    });
  }

  #detail(verb: string, fields: FieldReader): string | undefined {
    switch (verb) {
      case "spawn":
        return spawned(fields.text(tag.id));
      case "pipe":
      case "close":
      case "listen":
      case "watch":
        return own.exec(fields.text(tag.name))?.[0] ?? "service";
      case "arm-timer":
      case "disarm-timer":
        return prefixOf(fields.text(tag.id));
      case "delete-note":
        return prefixOf(fields.text(tag.key));
      case "put-note": {
        const prefix = prefixOf(fields.text(tag.key));
        return prefix === "service" ? stateOf(fields.bytes(tag.value)) : prefix;
      }
      case "acknowledge":
        return this.#events.get(fields.big(tag.event)) ?? "unknown";
      default:
        return undefined;
    }
  }
}

function prefixOf(name: string): string {
  return name.replace(/[/:#].*$/s, "");
}

const isTimer: ReadonlySet<string> = new Set(timers.map(({ name }) => name));

function spawned(id: string): string {
  if (isTimer.has(prefixOf(id))) return "run";
  return own.exec(id)?.[0] ?? "service";
}

/** What a timer notes with each change of its runs is another step than that it runs. */
function stateOf(note: Uint8Array): string {
  const { body } = JSON.parse(Buffer.from(note).toString("utf8")) as {
    body?: { status?: string; value?: { type?: string } };
  };
  return body?.value?.type === "timer" && body.status === "running"
    ? "timer"
    : `service ${body?.status ?? "unknown"}`;
}
