// What systemd counts as blank, and how text is taken to bytes and back.

/** Blanks; a vertical tab or a no-break space is none. */
export const blanks = " \t\n\r";

export function isBlank(character: string): boolean {
  return character !== "" && blanks.includes(character);
}

/** Without blanks at its ends. */
export function strip(text: string): string {
  return stripStart(stripEnd(text));
}

/** The text without blanks at its end: without a regular expression, which would try at each of a million blanks. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** The text without blanks at its beginning. */
export function stripStart(text: string): string {
  return text.replace(/^[ \t\n\r]+/, "");
}

/**
 * A string with one character for each byte of the text's UTF-8: escapes name bytes, and only a whole word shows whether
 * they are UTF-8.
 */
export function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of such a string; undefined where its bytes are not UTF-8. */
export function fromBytes(bytes: string): string | undefined {
  // Nearly all text of unit files is ASCII.
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  try {
    return decoder.decode(Buffer.from(bytes, "latin1"));
  } catch {
    return undefined;
  }
}

/** Whether it has characters below the space, or DEL, but for those in `allowed`. */
export function hasControls(text: string, allowed = ""): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if ((code < 0x20 || code === 0x7f) && !allowed.includes(character)) return true;
  }
  return false;
}
