// The console of one service: gives what its terminal prints to all viewers and to the log, and what one viewer types to it.

import type { Socket } from "node:net";
import { type End, frameTypes, type Hello, type Size } from "../protocol/console.js";
import { PlainText } from "./plain-text.js";
import type { PtyListener } from "./pty.js";
import { withoutQuestions } from "./replay.js";
import { Scrollback } from "./scrollback.js";
import { Connection, type ConnectionListener } from "./viewer.js";

const mostViewers = 64;
/** What a terminal does where more is typed than fits. */
const bell = Buffer.from([7]);
/** Milliseconds without output after which nothing more is taken to come, and how long that is waited for at most. */
const silence = 100;
const mostLastWords = 1000;

/** The terminal, as far as it is used here. */
export interface Terminal {
  readonly path: string;
  /** False where nobody reads what was typed before: these bytes are lost. */
  write(bytes: Buffer): boolean;
  resize(size: Size): void;
  letGo(): void;
  drain(): void;
  pause(): void;
  resume(): void;
}

/** Where the log takes text; `false` where it can take no more for now. */
export interface LogOutput {
  write(text: Buffer): boolean;
}

export interface HolderParts {
  readonly size: Size;
  /** Bytes. */
  readonly scrollback: number;
  readonly log: LogOutput;
  /** There is nothing more to be held. */
  readonly over: () => void;
}

export class Holder implements ConnectionListener, PtyListener {
  readonly #parts: HolderParts;
  readonly #scrollback: Scrollback;
  readonly #plain = new PlainText();
  readonly #connections = new Set<Connection>();
  /** In the order in which they came. */
  readonly #viewers = new Set<Connection>();
  #terminal: Terminal | undefined;
  #size: Size;
  #writer: Connection | undefined;
  /** Viewers that read more slowly than is printed. */
  readonly #behind = new Set<Connection>();
  #isLogFull = false;
  /** Runs while all is to be over once the terminal is silent. */
  #silence: NodeJS.Timeout | undefined;
  #end: End | undefined;
  #isOver = false;

  constructor(parts: HolderParts) {
    this.#parts = parts;
    this.#scrollback = new Scrollback(parts.scrollback);
    this.#size = parts.size;
  }

  /** The terminal, once there is one. */
  hold(terminal: Terminal): void {
    this.#terminal = terminal;
  }

  connected(socket: Socket): void {
    this.#connections.add(new Connection(socket, this));
  }

  /** There will be no terminal; whoever asks first is told why, and then all is over. */
  refuse(text: string): void {
    this.#end = { reason: "failed", text };
  }

  /** All is to be over, but what was printed last is on its way. */
  conclude(): void {
    if (this.#terminal === undefined) this.finish({ reason: "ended" });
    if (this.#silence !== undefined || this.#end !== undefined) return;
    const finish = (): void => this.finish({ reason: "ended" });
    this.#silence = setTimeout(finish, silence);
    setTimeout(finish, mostLastWords);
    this.#terminal?.letGo();
  }

  /** Everything is over, and all viewers are told. */
  finish(end: End): void {
    // A timer may go off before what came meanwhile is read.
    if (this.#end === undefined) this.#terminal?.drain();
    this.#end ??= end;
    for (const connection of this.#connections) if (connection.hello !== undefined) connection.end(this.#end);
    this.#concluded();
  }

  hello(connection: Connection, { role }: Hello): void {
    const terminal = this.#terminal;
    if (this.#end !== undefined || terminal === undefined) {
      connection.end(this.#end ?? { reason: "refused", text: "there is no terminal yet" });
      return;
    }
    switch (role) {
      case "terminal":
      case "taken":
        if (role === "taken") terminal.letGo();
        connection.tell(frameTypes.welcome, { terminal: terminal.path, writes: false });
        connection.end({ reason: "done" });
        return;
      case "drop": {
        const viewers = [...this.#viewers];
        for (const viewer of viewers) viewer.end({ reason: "detached" });
        connection.end({ reason: "done", dropped: viewers.length });
        return;
      }
      case "viewer":
      case "reader":
        this.#admit(connection, terminal);
    }
  }

  #admit(connection: Connection, terminal: Terminal): void {
    if (this.#viewers.size >= mostViewers) {
      connection.end({ reason: "refused", text: `the console has ${mostViewers} viewers already` });
      return;
    }
    this.#viewers.add(connection);
    const writes = this.#writer === undefined && connection.hello?.role === "viewer";
    connection.tell(frameTypes.welcome, { terminal: terminal.path, writes });
    connection.output(withoutQuestions(this.#scrollback.contents()));
    if (writes) this.#appoint(connection);
  }

  /** One types, and its terminal's size is the one that programs see. */
  #appoint(connection: Connection): void {
    this.#writer = connection;
    this.resized(connection);
  }

  input(connection: Connection, bytes: Buffer): void {
    // Whoever must not type is told so once, by the welcome.
    if (connection !== this.#writer || this.#terminal === undefined) return;
    if (!this.#terminal.write(bytes)) connection.output(bell);
  }

  resized(connection: Connection): void {
    const { size } = connection;
    if (connection !== this.#writer || size === undefined) return;
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#terminal?.resize(size);
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#viewers.delete(connection);
    this.caughtUp(connection);
    if (this.#writer === connection) {
      this.#writer = undefined;
      const next = [...this.#viewers].find(({ hello }) => hello?.role === "viewer");
      if (next !== undefined && this.#end === undefined) {
        next.tell(frameTypes.notice, { writes: true });
        this.#appoint(next);
      }
    }
    this.#concluded();
  }

  behind(connection: Connection): void {
    this.#behind.add(connection);
    this.#flow();
  }

  caughtUp(connection: Connection): void {
    if (this.#behind.delete(connection)) this.#flow();
  }

  /** As with every service, one that prints faster than is read waits for that. */
  #flow(): void {
    if (this.#isLogFull || this.#behind.size > 0) this.#terminal?.pause();
    else this.#terminal?.resume();
  }

  output(bytes: Buffer): void {
    this.#silence?.refresh();
    this.#scrollback.push(bytes);
    for (const viewer of this.#viewers) viewer.output(bytes);
    const text = this.#plain.feed(bytes);
    if (text.length === 0 || this.#parts.log.write(text)) return;
    this.#isLogFull = true;
    this.#flow();
  }

  logDrained(): void {
    this.#isLogFull = false;
    this.#flow();
  }

  ended(): void {
    this.finish({ reason: "ended" });
  }

  #concluded(): void {
    if (this.#end === undefined) return;
    for (const { hello } of this.#connections) if (hello !== undefined) return;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.over();
  }
}
