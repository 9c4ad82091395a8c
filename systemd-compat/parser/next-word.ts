// The next word of a value, with systemd's patience for escape sequences that do not exist.

import { show } from "../../src/daemon/definition/check.js";
import { BadValue, type ValueContext } from "../values/type.js";
import { WordError, type WordOptions, type WordReader } from "./words.js";

/**
 * The next word; undefined where there is none. Unknown escape sequences stay as they are written, with one warning for all.
 * @throws BadValue where a quote is not closed or escapes make no UTF-8
 */
export function nextWord(
  reader: WordReader,
  options: WordOptions,
  context: Pick<ValueContext, "warn">,
): string | undefined {
  try {
    return reader.next(options);
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
    if (error.mistake !== "escape" || reader.keepsUnknownEscapes)
      throw new BadValue(`${error.message} in ${show(reader.rest)}`);
    reader.keepsUnknownEscapes = true;
    const word = nextWord(reader, options, context);
    context.warn(`an unknown escape sequence in ${show(word)}`, "it is kept as it is written");
    return word;
  }
}
