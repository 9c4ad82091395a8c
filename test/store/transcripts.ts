// What was recorded between a client and Guix's daemon, with a store in /gnu/store.

import { existsSync, readFileSync } from "node:fs";

const file = "../shared/data/store-transcripts-guix-1.4.0.json";

export interface Step {
  readonly step: string;
  /** In base 16: what the client sent, and what the daemon then did. */
  readonly client: string;
  readonly daemon: string;
  readonly result?: unknown;
  readonly log?: readonly string[];
  readonly error?: { readonly message: string; readonly status: number };
}

const recorded = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, readonly Step[]>>)
  : undefined;

export const withoutTranscripts = recorded === undefined ? `needs the recorded sessions, ${file}` : false;

export function sessionOf(name: string): readonly Step[] {
  const session = recorded?.[name];
  if (session === undefined) throw new Error(`no session "${name}" was recorded`);
  return session;
}

export const sessionNames: readonly string[] = Object.keys(recorded ?? {});
