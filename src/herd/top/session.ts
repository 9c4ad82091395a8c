// `herd top` on a terminal: looks at the services again and again, draws, and does what keys say.

import type { Reply } from "../../protocol/messages.js";
import { decodeOnlyService, type RecentMessage } from "../../protocol/service-status.js";
import { reasonOf } from "../system-error.js";
import { type Frame, renderFrame, tableHeight } from "./frame.js";
import { type Row, rowsOf, type Sample } from "./sample.js";
import type { Screen, ScreenEvents } from "./screen.js";
import type { TableOptions } from "./table.js";
import { type Effect, initialView, type Key, press, settled, type View, visibleRows } from "./view.js";

export interface SessionMeans {
  /** Undefined while no daemon answers. */
  readonly sample: () => Promise<Sample | undefined>;
  /** The reply about one service; undefined where there is no answer now. */
  readonly status: (service: string) => Promise<Reply | undefined>;
  /** Does what is asked to a service; resolves with what went wrong. `tell` is told what is said meanwhile. */
  readonly act: (
    action: string,
    service: string,
    tell: (line: string) => void,
  ) => Promise<string | undefined>;
  /** Makes the screen, whose events go to the session. */
  readonly screen: (events: ScreenEvents) => Screen;
}

export interface SessionOptions extends TableOptions {
  readonly first: Sample;
  /** Milliseconds. */
  readonly interval: number;
  /** Only services that have one of these names; empty: all. */
  readonly isShown: (row: Row) => boolean;
  readonly order: View["order"];
}

/** Resolves when the user has had enough; the terminal is as it was then. */
export async function runSession(options: SessionOptions, means: SessionMeans): Promise<void> {
  await new Session(options, means).run();
}

class Session {
  readonly #options: SessionOptions;
  readonly #means: SessionMeans;
  readonly #screen: Screen;
  #sample: Sample;
  #rows: readonly Row[];
  #view: View;
  #message: Frame["message"];
  #log: readonly RecentMessage[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Whether to look again at once when a look is over. */
  #looksAgain = false;
  /** Whether the daemon did not answer the last time. */
  #isSilent = false;
  /** Whether a key was pressed. */
  #isTouched = false;
  #isOver = false;
  #finish: (failure?: unknown) => void = () => undefined;

  constructor(options: SessionOptions, means: SessionMeans) {
    this.#options = options;
    this.#means = means;
    this.#sample = options.first;
    this.#rows = rowsOf(options.first, undefined).filter(options.isShown);
    this.#view = { ...initialView, order: options.order };
    this.#screen = means.screen({
      key: (key) => this.#safely(() => this.#pressed(key)),
      redraw: () => this.#safely(() => this.#draw()),
      gone: () => this.#end(),
    });
  }

  async run(): Promise<void> {
    const over = new Promise<void>((resolve, reject) => {
      this.#finish = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    try {
      this.#screen.open();
      this.#draw();
      // Soon: how busy a service is shows only in comparison with a moment before.
      this.#lookAfter(Math.min(this.#options.interval, 500));
      await over;
    } finally {
      this.#isOver = true;
      clearTimeout(this.#timer);
      this.#screen.close();
    }
  }

  #end(failure?: unknown): void {
    this.#isOver = true;
    this.#finish(failure);
  }

  /** An error of ours must not leave the terminal as it is. */
  #safely(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#end(error);
    }
  }

  #lookAfter(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setTimeout(() => this.#look(), milliseconds);
  }

  #look(): void {
    if (this.#isLooking) {
      this.#looksAgain = true;
      return;
    }
    this.#isLooking = true;
    this.#looksAgain = false;
    this.#refresh()
      .finally(() => {
        this.#isLooking = false;
      })
      .then(
        () => {
          this.#safely(() => this.#draw());
          this.#lookAfter(this.#looksAgain ? 0 : this.#options.interval);
        },
        (error: unknown) => this.#end(error),
      );
  }

  async #refresh(): Promise<void> {
    const { mode } = this.#view;
    const [sample, log] = await Promise.all([
      this.#means.sample(),
      mode.kind === "log" ? this.#logOf(mode.service) : undefined,
    ]);
    if (log !== undefined) this.#log = log;
    if (sample === undefined) {
      this.#message = { text: "shepherd does not answer; shown is what it told last", isError: true };
      this.#isSilent = true;
      return;
    }
    if (this.#isSilent) this.#message = undefined;
    this.#isSilent = false;
    this.#rows = rowsOf(sample, this.#sample, this.#rows).filter(this.#options.isShown);
    this.#sample = sample;
    // Whom nobody has chosen is not followed to wherever it moves.
    if (!this.#isTouched) this.#view = { ...initialView, order: this.#view.order };
  }

  async #logOf(service: string): Promise<readonly RecentMessage[] | undefined> {
    const reply = await this.#means.status(service);
    if (reply === undefined) return undefined;
    const status = reply.error === undefined ? decodeOnlyService(reply.result) : undefined;
    return status?.recentMessages ?? [];
  }

  #pressed(key: Key): void {
    this.#isTouched = true;
    const before = this.#view.mode;
    const { view, effect } = press(this.#view, key, this.#rows, tableHeight(this.#screen.size));
    this.#view = view;
    if (view.mode.kind !== before.kind) this.#log = undefined;
    if (effect !== undefined) this.#perform(effect);
    if (!this.#isOver) this.#draw();
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "quit":
        this.#end();
        return;
      case "suspend":
        this.#screen.suspend();
        return;
      case "refresh":
        this.#look();
        return;
      case "say":
        this.#message = { text: effect.text, isError: true };
        return;
      case "act":
        this.#act(effect.action, effect.service);
        return;
    }
  }

  #act(action: string, service: string): void {
    const say = (text: string, isError = false): void => {
      this.#message = { text, isError };
      if (!this.#isOver) this.#safely(() => this.#draw());
    };
    say(`${action} ${service} ...`);
    this.#means
      .act(action, service, (line) => say(line))
      .then(
        (failure) => {
          if (failure === undefined) say(`${action} ${service}: done`);
          else say(failure, true);
        },
        (error: unknown) => say(`${action} ${service}: ${reasonOf(error)}`, true),
      )
      .then(
        () => this.#look(),
        (error: unknown) => this.#end(error),
      );
  }

  #draw(): void {
    const { size } = this.#screen;
    this.#view = settled(this.#view, visibleRows(this.#rows, this.#view), tableHeight(size));
    const frame: Frame = {
      rows: this.#rows,
      view: this.#view,
      now: this.#sample.now,
      ...(this.#message === undefined ? {} : { message: this.#message }),
      ...(this.#log === undefined ? {} : { log: this.#log }),
    };
    this.#screen.draw(renderFrame(frame, size, this.#options));
  }
}
