// What programs have switched on in the terminal, such as the alternate screen or the mouse: whoever detaches in the midst
// of that gets a terminal back that can be used.

/** A sequence is no longer than this. */
const longestRest = 64;
/** By their numbers in DECSET: those that are on by default. */
const usuallyOn: ReadonlySet<number> = new Set([7, 25]);
const escapeByte = 0x1b;

export class TerminalModes {
  readonly #changed = new Set<number>();
  #rest = "";

  /** Looks at what is printed; a sequence may be cut anywhere. */
  see(bytes: Buffer): void {
    if (this.#rest === "" && !bytes.includes(escapeByte)) return;
    const text = this.#rest + bytes.toString("latin1");
    // What follows each escape is looked at by itself.
    for (const piece of text.split(String.fromCharCode(escapeByte)).slice(1)) {
      const [, numbers, action] = /^\[\?([0-9;]{1,40})([hl])/.exec(piece) ?? [];
      for (const number of numbers?.split(";") ?? []) this.#set(Number(number), action === "h");
    }
    const last = text.lastIndexOf(String.fromCharCode(escapeByte));
    this.#rest =
      text.length - last <= longestRest && /^.\[?\??[0-9;]*$/s.test(text.slice(last)) ? text.slice(last) : "";
  }

  #set(mode: number, on: boolean): void {
    if (on === usuallyOn.has(mode)) this.#changed.delete(mode);
    else if (this.#changed.size < 64) this.#changed.add(mode);
  }

  /** What puts everything back, and the colours. */
  reset(): string {
    const modes = [...this.#changed].map((mode) => `\u001b[?${mode}${usuallyOn.has(mode) ? "h" : "l"}`);
    return `\u001b[0m${modes.join("")}`;
  }
}
