// The age field of tmpfiles.d(5): how old something must be to be cleaned away, and by which of its times.

import { parseTimeSpan } from "../parser/time-span.js";

/** Access, birth, change of status, modification. */
export type TimeKind = "a" | "b" | "c" | "m";

export interface Age {
  readonly seconds: number;
  /** `~`: what lies directly in the directory stays. */
  readonly keepsFirstLevel: boolean;
  /** The times of files all of which must be old enough. */
  readonly files: readonly TimeKind[];
  readonly directories: readonly TimeKind[];
}

/** Where a field names none. Cleaning itself changes the status of directories. */
export const usualTimes = {
  keepsFirstLevel: false,
  files: ["a", "b", "c", "m"],
  directories: ["a", "b", "m"],
} as const satisfies Partial<Age>;

/** Such as `10d`, `~1h`, `mM:1w`; undefined where it is none. */
export function parseAge(text: string): Age | undefined {
  const [, tilde, kinds, span = ""] = /^(~?)(?:([aAbBcCmM]+):)?(.*)$/s.exec(text) ?? [];
  const seconds = parseTimeSpan(span);
  if (seconds === undefined) return undefined;
  const files = kindsIn(kinds ?? "", /[abcm]/g);
  const directories = kindsIn(kinds ?? "", /[ABCM]/g);
  return {
    seconds,
    keepsFirstLevel: tilde === "~",
    files: files.length > 0 ? files : usualTimes.files,
    directories: directories.length > 0 ? directories : usualTimes.directories,
  };
}

function kindsIn(text: string, letters: RegExp): readonly TimeKind[] {
  const found = new Set(text.match(letters)?.map((letter) => letter.toLowerCase()));
  return usualTimes.files.filter((kind) => found.has(kind));
}
