// Reads s-expressions from chunks of bytes as they arrive. Bounded in size and depth, and iterative: a hostile peer
// can neither fill the memory nor overflow the stack. The client reads its replies cold, before V8 has compiled
// anything: so tokens are found with native string searches and not byte by byte.
import {
  DottedList,
  isList,
  type Sexp,
  SexpError,
  SexpKeyword,
  SexpLiteral,
  SexpSymbol,
  SexpVector,
} from "./sexp.js";

export interface ReaderLimits {
  /** Of one expression, with the space and comments before it, and the rest of the chunk it begins in. Default 1 MiB. */
  readonly maxBytes?: number;
  /** How deep lists may nest. Default 64. */
  readonly maxDepth?: number;
}

/** A list, vector or quotation whose end was not seen yet. */
interface Frame {
  readonly kind: "list" | "vector" | "quotation";
  /** The character that ends it; none ends a quotation. */
  readonly closer: string;
  readonly items: Sexp[];
  /** How far `(a . b)` is: no dot, the dot, the datum after it. */
  dot: "none" | "seen" | "done";
  tail: Sexp;
}

/** What the next character is part of. All of a token that came so far is in `#token`. */
type Mode =
  | "blank"
  | "comment"
  | "atom"
  | "comma"
  | "string"
  | "string-escape"
  /** After `#`, `#:` or `#:#`, which do not yet tell what follows. */
  | "hash"
  /** After `#\`: the next character belongs to it, whatever it is. */
  | "character"
  /** In `#{…}#`, and after a brace there. */
  | "extended"
  | "extended-brace";

/** More digits than any number of the protocol has; converting a million of them would take seconds. */
const MAX_DIGITS = 400;

/**
 * Feed it chunks; `read` returns the next complete expression, or undefined until more came. After an error it stays
 * broken: a stream of s-expressions cannot be resynchronised.
 */
export class SexpReader {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** What was fed last, and how much of it is consumed. */
  #text = "";
  #position = 0;
  /** Offset in the stream of the text's first character. */
  #base = 0;
  /** Bytes of the last chunk, and of all since the one in which the current expression began. */
  #chunkBytes = 0;
  #bytes = 0;
  #mode: Mode = "blank";
  #token = "";
  /** `#{…}#` is a keyword's name, and not a symbol's. */
  #isKeyword = false;
  readonly #stack: Frame[] = [];
  /** The outermost expression, once it is complete. */
  #finished: Sexp | undefined;
  #failure: SexpError | undefined;

  constructor(limits: ReaderLimits = {}) {
    this.#maxBytes = limits.maxBytes ?? 1024 * 1024;
    this.#maxDepth = limits.maxDepth ?? 64;
  }

  /** Throws a SexpError for what is no UTF-8. */
  feed(chunk: Uint8Array): void {
    this.#guarded(() => {
      const rest = this.#text.slice(this.#position);
      this.#base += this.#position;
      this.#position = 0;
      this.#text = rest + this.#decode(chunk);
      this.#chunkBytes = chunk.length;
      this.#bytes += chunk.length;
    });
  }

  /** Throws a SexpError for what can be no s-expression, or breaks a limit. */
  read(): Sexp | undefined {
    return this.#guarded(() => this.#read());
  }

  /** At the end of the stream: the last expression if only its end was missing, an error inside one, else undefined. */
  finish(): Sexp | undefined {
    return this.#guarded(() => {
      this.#text += this.#decode();
      const last = this.#read();
      if (last !== undefined) return last;
      if (this.#mode === "atom" || this.#mode === "hash") this.#endAtom();
      else if (this.#mode !== "blank" && this.#mode !== "comment")
        throw this.#error("unexpected end of input");
      if (this.#stack.length > 0) throw this.#error("unexpected end of input");
      return this.#taken();
    });
  }

  #guarded<T>(action: () => T): T {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return action();
    } catch (error) {
      if (error instanceof SexpError) this.#failure = error;
      throw error;
    }
  }

  /** Without a chunk: the end of the stream, where half a character is an error. */
  #decode(chunk?: Uint8Array): string {
    try {
      return this.#decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new SexpError("invalid UTF-8", this.#base + this.#text.length);
    }
  }

  #read(): Sexp | undefined {
    while (this.#position < this.#text.length) {
      this.#step();
      if (this.#finished !== undefined) return this.#taken();
    }
    if (this.#bytes > this.#maxBytes) throw this.#error(`longer than ${this.#maxBytes} bytes`);
    return undefined;
  }

  #taken(): Sexp | undefined {
    const value = this.#finished;
    if (value === undefined) return undefined;
    this.#finished = undefined;
    if (this.#bytes > this.#maxBytes) throw this.#error(`longer than ${this.#maxBytes} bytes`);
    this.#bytes = this.#position < this.#text.length ? this.#chunkBytes : 0;
    return value;
  }

  /** Consumes at least one character, or ends a token before it. */
  #step(): void {
    switch (this.#mode) {
      case "blank":
        this.#begin();
        break;
      case "comment":
        this.#skipComment();
        break;
      case "atom":
        this.#atom();
        break;
      case "comma":
        this.#comma();
        break;
      case "string":
        this.#string();
        break;
      case "string-escape":
        this.#token += this.#next();
        this.#mode = "string";
        break;
      case "hash":
        this.#hash();
        break;
      case "character":
        this.#token += this.#next();
        this.#mode = "atom";
        break;
      case "extended":
        if (this.#collectUntil(brace)) {
          this.#position += 1;
          this.#mode = "extended-brace";
        }
        break;
      case "extended-brace":
        this.#extendedBrace();
        break;
    }
  }

  #begin(): void {
    let character = this.#text.charAt(this.#position);
    while (blanks.includes(character) && this.#position < this.#text.length) {
      this.#position += 1;
      character = this.#text.charAt(this.#position);
    }
    this.#token = "";
    switch (character) {
      case "":
        break;
      case "(":
        this.#open("list", ")");
        break;
      case "[":
        this.#open("list", "]");
        break;
      case ")":
      case "]":
        this.#close(character);
        break;
      case "'":
        this.#open("quotation", "", "quote");
        break;
      case "`":
        this.#open("quotation", "", "quasiquote");
        break;
      case ",":
        this.#enter("comma");
        break;
      case ";":
        this.#enter("comment");
        break;
      case '"':
        this.#enter("string");
        this.#string();
        break;
      case "#":
        this.#token = "#";
        this.#enter("hash");
        break;
      default:
        this.#mode = "atom";
        this.#atom();
    }
  }

  /** Consumes the character that begins what the mode is about. */
  #enter(mode: Mode): void {
    this.#position += 1;
    this.#mode = mode;
  }

  #next(): string {
    const character = this.#text.charAt(this.#position);
    this.#position += 1;
    return character;
  }

  /** Adds to the token up to the one character that the pattern matches; false, with all added, if there is none. */
  #collectUntil(pattern: RegExp): boolean {
    // `test` makes no array for the match, which matters with ten thousand tokens.
    pattern.lastIndex = this.#position;
    const found = pattern.test(this.#text);
    const end = found ? pattern.lastIndex - 1 : this.#text.length;
    const piece = this.#text.slice(this.#position, end);
    this.#token = this.#token === "" ? piece : this.#token + piece;
    this.#position = end;
    return found;
  }

  #skipComment(): void {
    const end = this.#text.indexOf("\n", this.#position);
    this.#position = end === -1 ? this.#text.length : end + 1;
    if (end !== -1) this.#mode = "blank";
  }

  #comma(): void {
    this.#mode = "blank";
    if (this.#text.charAt(this.#position) === "@") this.#open("quotation", "", "unquote-splicing");
    else this.#open("quotation", "", "unquote", 0);
  }

  #string(): void {
    if (!this.#collectUntil(stringSpecial)) return;
    const character = this.#next();
    if (character === '"') this.#add(this.#token.includes("\\") ? this.#unescape(this.#token) : this.#token);
    else {
      this.#token += character;
      this.#mode = "string-escape";
    }
  }

  #unescape(text: string): string {
    return text.replace(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(\n[ \t]*)|([\s\S]))/g,
      (_, x?: string, u?: string, U?: string, newline?: string, other?: string) => {
        if (newline !== undefined) return "";
        if (other !== undefined) {
          const character = stringEscapes.get(other);
          if (character === undefined)
            throw this.#error(`unknown escape "\\${other}" in the string`, `${text}"`);
          return character;
        }
        const code = Number.parseInt(x ?? u ?? U ?? "", 16);
        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
          throw this.#error("escape of no character in the string", `${text}"`);
        return String.fromCodePoint(code);
      },
    );
  }

  #hash(): void {
    const prefix = this.#token + this.#text.charAt(this.#position);
    switch (prefix) {
      case "#(":
        this.#open("vector", ")");
        break;
      case "#{":
      case "#:#{":
        this.#isKeyword = prefix !== "#{";
        this.#token = "";
        this.#enter("extended");
        break;
      case "#\\":
        this.#token = prefix;
        this.#enter("character");
        break;
      case "#:":
      case "#:#":
        this.#token = prefix;
        this.#position += 1;
        break;
      default:
        this.#mode = "atom";
    }
  }

  #extendedBrace(): void {
    if (this.#text.charAt(this.#position) !== "#") {
      this.#token += "}";
      this.#mode = "extended";
      return;
    }
    this.#position += 1;
    const name = this.#token.replace(/\\(?:x([0-9a-fA-F]{1,6});)?/g, (_, hexadecimal?: string) => {
      const code = Number.parseInt(hexadecimal ?? "", 16);
      if (Number.isNaN(code) || code > 0x10ffff)
        throw this.#error("unknown escape in the symbol", `${this.#token}}#`);
      return String.fromCodePoint(code);
    });
    this.#add(this.#isKeyword ? new SexpKeyword(name) : new SexpSymbol(name));
  }

  #atom(): void {
    if (this.#collectUntil(delimiter)) this.#endAtom();
  }

  #endAtom(): void {
    if (this.#token === ".") this.#dot();
    else this.#add(this.#atomValue(this.#token));
  }

  #atomValue(text: string): Sexp {
    if (text.startsWith("#")) {
      const value = hashDatum(text);
      if (value === undefined) throw this.#error(`unsupported syntax "${text.slice(0, 20)}"`, text);
      return value;
    }
    const number = numberStart.includes(text.charAt(0)) ? this.#number(text) : undefined;
    return number ?? new SexpSymbol(text);
  }

  #number(text: string): Sexp | undefined {
    if (/^[+-]?\d+$/.test(text)) {
      if (text.length > MAX_DIGITS) throw this.#error("number too long", text);
      const value = Number(text);
      return Number.isSafeInteger(value) ? value : BigInt(text);
    }
    if (/^[+-]?\d+\/\d+$/.test(text)) return new SexpLiteral(text);
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
      const value = Number(text);
      return Number.isInteger(value) ? new SexpLiteral(text) : value;
    }
    return specialNumbers.get(text);
  }

  #dot(): void {
    const frame = this.#stack.at(-1);
    if (frame?.kind !== "list" || frame.items.length === 0 || frame.dot !== "none")
      throw this.#error('unexpected "."', ".");
    frame.dot = "seen";
    this.#mode = "blank";
  }

  #open(kind: Frame["kind"], closer: string, operator?: string, length = 1): void {
    if (this.#stack.length >= this.#maxDepth) throw this.#error(`nested more than ${this.#maxDepth} deep`);
    const items = operator === undefined ? [] : [new SexpSymbol(operator)];
    this.#stack.push({ kind, closer, items, dot: "none", tail: false });
    this.#mode = "blank";
    this.#position += length;
  }

  #close(character: string): void {
    const frame = this.#stack.at(-1);
    if (frame?.closer !== character) throw this.#error(`unexpected "${character}"`);
    if (frame.dot === "seen") throw this.#error(`"${character}" after a dot`);
    this.#stack.pop();
    this.#position += 1;
    this.#add(compound(frame));
  }

  /** Adds a complete datum to what it is part of. */
  #add(datum: Sexp): void {
    let value = datum;
    let frame = this.#stack.at(-1);
    while (frame?.kind === "quotation") {
      value = [...frame.items, value];
      this.#stack.pop();
      frame = this.#stack.at(-1);
    }
    if (frame === undefined) this.#finished = value;
    else if (frame.dot === "none") frame.items.push(value);
    else if (frame.dot === "seen") {
      frame.tail = value;
      frame.dot = "done";
    } else throw this.#error("more than one datum after a dot");
    this.#mode = "blank";
  }

  /** About what is next, or about the token just consumed. */
  #error(reason: string, token = ""): SexpError {
    return new SexpError(reason, this.#base + this.#position - token.length);
  }
}

const blanks = " \n\t\r\v\f";
const numberStart = "0123456789+-.";
const delimiter = /[ \t-\r()[\]";]/g;
const stringSpecial = /["\\]/g;
const brace = /\}/g;

/** What a list or vector is once its end was seen. */
function compound(frame: Frame): Sexp {
  const { kind, items, dot, tail } = frame;
  if (kind === "vector") return new SexpVector(items);
  if (dot === "none") return items;
  if (isList(tail)) return [...items, ...tail];
  if (tail instanceof DottedList) return new DottedList([...items, ...tail.items], tail.tail);
  return new DottedList(items, tail);
}

/** Reads a text that holds exactly one expression. */
export function readSexp(text: string, limits?: ReaderLimits): Sexp {
  const reader = new SexpReader(limits);
  reader.feed(new TextEncoder().encode(text));
  const value = reader.read() ?? reader.finish();
  if (value === undefined) throw new SexpError("no expression", text.length);
  if (reader.read() !== undefined || reader.finish() !== undefined)
    throw new SexpError("more than one expression", text.length);
  return value;
}

const stringEscapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["a", "\x07"],
  ["b", "\b"],
  ["v", "\v"],
  ["f", "\f"],
  ["0", "\0"],
  ...[...`"\\'(|`].map((character) => [character, character] as const),
]);

const specialNumbers: ReadonlyMap<string, number> = new Map([
  ["+inf.0", Number.POSITIVE_INFINITY],
  ["-inf.0", Number.NEGATIVE_INFINITY],
  ["+nan.0", Number.NaN],
  ["-nan.0", Number.NaN],
]);

function hashDatum(text: string): Sexp | undefined {
  if (text === "#t" || text === "#true") return true;
  if (text === "#f" || text === "#false") return false;
  if (text.startsWith("#:") && text.length > 2) return new SexpKeyword(text.slice(2));
  if (text.startsWith("#\\")) return new SexpLiteral(text);
  return undefined;
}
