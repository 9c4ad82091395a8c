// The format of the daemon's notes: which version this daemon writes, and how it reads those of older ones. It never
// guesses: what a newer daemon wrote is refused, and the services go on without us until the right program is there.

/** Grows when a note changes in a way that an older daemon would misread. */
export const notesFormat = 3;

/** Bytes of the longest note that the keeper takes (keeper-protocol.md, "Bounds"). */
export const longestNote = 262_144;

/** Notes that this daemon cannot read, since a newer one wrote them. */
export class NewerNotesError extends Error {
  override readonly name = "NewerNotesError";

  constructor(version: number) {
    super(
      `the services' notes have format ${version}, and this program reads up to ${notesFormat}: ` +
        "they were written by a newer shepherd, which must be installed again to go on; no service is touched",
    );
  }
}

/** What each older format needs to become the next one. */
const conversions: Readonly<Record<number, (key: string, body: unknown) => unknown>> = {
  // A start was about one process; now it can be about several, and how they ended is kept.
  1: (key, body) => {
    if (!isServiceNote(key, body)) return body;
    const { attempt, ...rest } = body as { readonly attempt?: string };
    return { ...rest, processes: attempt === undefined ? [] : [{ id: attempt }] };
  },
  // A restart was wanted like a start, and a process's end had no time of its own.
  2: (key, body) => {
    if (!isServiceNote(key, body)) return body;
    const { wanted, respawnCounted, processes, ...rest } = body as {
      readonly wanted?: boolean;
      readonly respawnCounted?: boolean;
      readonly processes?: readonly { readonly end?: object }[];
    };
    return {
      ...rest,
      respawning: respawnCounted === true,
      processes: (processes ?? []).map(({ end, ...one }) => ({
        ...one,
        ...(end === undefined ? {} : { end: { time: 0, ...end } }),
      })),
      ...(wanted === true ? { wanted: "start" } : {}),
    };
  },
};

function isServiceNote(key: string, body: unknown): body is object {
  return key.startsWith("service/") && typeof body === "object" && body !== null;
}

export function encodeNote(body: unknown): Uint8Array {
  return Buffer.from(JSON.stringify({ version: notesFormat, body }));
}

/** The body of a note in today's format. Throws NewerNotesError, and SyntaxError where it is no note at all. */
export function decodeNote(key: string, bytes: Uint8Array): unknown {
  const note = JSON.parse(Buffer.from(bytes).toString("utf8")) as {
    version?: unknown;
    body?: unknown;
  } | null;
  const version = note?.version;
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1)
    throw new SyntaxError("it has no format version");
  if (version > notesFormat) throw new NewerNotesError(version);
  let body = note?.body;
  for (let from = version; from < notesFormat; from += 1) body = conversions[from]?.(key, body);
  return body;
}
