// Splits text into words as systemd does: quotes anywhere in a word, escape sequences, separators of choice.

import { escapeAt } from "./escapes.js";
import { blanks, fromBytes, toBytes } from "./text.js";

export interface WordOptions {
  /** Characters that separate words; default: blanks. */
  readonly separators?: string;
  /** Whether single and double quotes join what they enclose, and vanish; default true. */
  readonly unquote?: boolean;
  /** Whether escape sequences of C are replaced; default false: a backslash stands for the character after it. */
  readonly cEscapes?: boolean;
  /** Whether a backslash before a separator or another backslash makes it an ordinary character; default false. */
  readonly unescapeSeparators?: boolean;
  /** Whether a backslash is an ordinary character everywhere; default false. */
  readonly keepBackslashes?: boolean;
  /** Whether each separator ends a word, so that two in a row have an empty one between them; default false. */
  readonly everySeparator?: boolean;
  /** Whether what is unbalanced at the end is accepted; default false. */
  readonly relaxed?: boolean;
  /** Whether unknown escape sequences stay as they are written; default false: they are a mistake. */
  readonly keepUnknownEscapes?: boolean;
}

/** `quote`: not closed; `escape`: unknown, or not finished; `encoding`: what the escapes name is no UTF-8. */
export type WordMistake = "quote" | "escape" | "encoding";

export class WordError extends Error {
  override readonly name = "WordError";
  readonly mistake: WordMistake;

  constructor(mistake: WordMistake, message: string) {
    super(message);
    this.mistake = mistake;
  }
}

const endings = {
  quote: "a quote that is not closed",
  escape: "an unknown escape sequence",
  encoding: "an escape sequence that makes it invalid UTF-8",
} as const;

/** Takes words from the front of a text. */
export class WordReader {
  /** One character for each byte. */
  readonly #text: string;
  #at = 0;
  /** Whether the last word ended with the text, and not with a separator after which there may be an empty one. */
  #over = false;
  /** Whether unknown escape sequences stay from now on, whatever the options say. */
  keepsUnknownEscapes = false;

  constructor(text: string) {
    this.#text = toBytes(text);
  }

  /** What no word was taken from yet. */
  get rest(): string {
    return fromBytes(this.#text.slice(this.#at)) ?? "";
  }

  /** Whether the rest begins with `token`, followed by a blank or by nothing. */
  isAt(token: string): boolean {
    const after = this.#text.charAt(this.#at + token.length);
    return this.#text.startsWith(token, this.#at) && (after === "" || blanks.includes(after));
  }

  /** Passes over `length` characters and the blanks after them. */
  skip(length: number): void {
    this.#at += length;
    while (this.#at < this.#text.length && blanks.includes(this.#text.charAt(this.#at))) this.#at += 1;
  }

  /** The character before the rest: the separator that ended the last word, where `everySeparator` was asked for. */
  get last(): string {
    return this.#at === 0 ? "" : this.#text.charAt(this.#at - 1);
  }

  /**
   * The next word; undefined where there is none.
   * @throws WordError; nothing is taken then
   */
  next(options: WordOptions = {}): string | undefined {
    if (this.#over) return undefined;
    const keepUnknownEscapes = this.keepsUnknownEscapes || options.keepUnknownEscapes === true;
    const word = new Word(this.#text, this.#at, { ...options, keepUnknownEscapes });
    const bytes = word.read();
    const text = bytes === undefined ? undefined : fromBytes(bytes);
    if (bytes !== undefined && text === undefined) throw new WordError("encoding", endings.encoding);
    this.#at = word.at;
    this.#over = word.over;
    return text;
  }
}

/** All words of a text. @throws WordError */
export function splitWords(text: string, options: WordOptions = {}): string[] {
  const reader = new WordReader(text);
  const words: string[] = [];
  for (let word = reader.next(options); word !== undefined; word = reader.next(options)) words.push(word);
  return words;
}

/** One word while it is read. */
class Word {
  at: number;
  over = false;
  readonly #text: string;
  readonly #options: WordOptions;
  readonly #separators: string;
  /** Pieces, since text that is added to character by character takes time and memory. */
  readonly #pieces: string[] = [];

  constructor(text: string, at: number, options: WordOptions) {
    this.#text = text;
    this.at = at;
    this.#options = options;
    this.#separators = options.separators ?? blanks;
  }

  read(): string | undefined {
    if (!this.#passSeparators()) return undefined;
    let quote = "";
    while (this.at < this.#text.length) {
      const character = this.#text.charAt(this.at);
      if (character === "\\" && this.#options.keepBackslashes !== true) {
        if (this.#escape(quote)) quote = "";
      } else if (quote === "" && this.#separators.includes(character)) {
        this.#passEnd();
        return this.#pieces.join("");
      } else if (character === quote) {
        quote = "";
        this.at += 1;
      } else if (
        quote === "" &&
        (character === '"' || character === "'") &&
        this.#options.unquote !== false
      ) {
        quote = character;
        this.at += 1;
      } else {
        this.#plain(quote);
      }
    }
    if (quote !== "" && this.#options.relaxed !== true) throw new WordError("quote", endings.quote);
    this.over = true;
    return this.#pieces.join("");
  }

  /** False where no word is left. Where every separator counts, one here ends an empty word. */
  #passSeparators(): boolean {
    if (this.#options.everySeparator === true) return true;
    while (this.at < this.#text.length && this.#separators.includes(this.#text.charAt(this.at))) this.at += 1;
    return this.at < this.#text.length;
  }

  #passEnd(): void {
    this.at += 1;
    if (this.#options.everySeparator === true) return;
    while (this.at < this.#text.length && this.#separators.includes(this.#text.charAt(this.at))) this.at += 1;
  }

  /** As many ordinary characters as there are. */
  #plain(quote: string): void {
    const from = this.at;
    do this.at += 1;
    while (this.at < this.#text.length && this.#isPlain(this.#text.charAt(this.at), quote));
    this.#pieces.push(this.#text.slice(from, this.at));
  }

  #isPlain(character: string, quote: string): boolean {
    if (character === "\\") return this.#options.keepBackslashes === true;
    if (quote !== "") return character !== quote;
    if ((character === '"' || character === "'") && this.#options.unquote !== false) return false;
    return !this.#separators.includes(character);
  }

  /** What a backslash begins. True where the text ends with it. */
  #escape(quote: string): boolean {
    const { cEscapes = false, unescapeSeparators = false, keepUnknownEscapes = false } = this.#options;
    this.at += 1;
    const character = this.#text.charAt(this.at);
    if (character === "") {
      const relaxed = this.#options.relaxed === true;
      if (keepUnknownEscapes && (quote === "" || relaxed)) this.#pieces.push("\\");
      else if (!relaxed) throw new WordError(quote === "" ? "escape" : "quote", endings.escape);
      return true;
    }
    const sequence = cEscapes ? escapeAt(this.#text, this.at) : undefined;
    if (sequence !== undefined) this.#pieces.push(sequence.bytes);
    else if (!cEscapes && !unescapeSeparators) this.#pieces.push(character);
    else if (unescapeSeparators && (character === "\\" || this.#separators.includes(character)))
      this.#pieces.push(character);
    else if (keepUnknownEscapes) this.#pieces.push(`\\${character}`);
    else throw new WordError("escape", endings.escape);
    this.at += sequence?.length ?? 1;
    return false;
  }
}
