// What programs have switched on in the terminal, such as the alternate screen or the mouse: whoever detaches in the midst
// of that gets a terminal back that can be used.

/** A sequence is no longer than this. */
const longestRest = 64;
/** By their numbers in DECSET: those that are on by default. */
const usuallyOn: ReadonlySet<number> = new Set([7, 25]);
const mostModes = 64;
const esc = "\u001b";

/** What is no mode of DECSET: what sets it, behind an escape, and what undoes that. */
const others: readonly (readonly [set: RegExp, undo: string])[] = [
  // The keypad, the cursor's shape, a character set of line drawings, how keys are reported.
  [/^=/, `${esc}>`],
  [/^\[[1-9] q/, `${esc}[0 q`],
  [/^\(0/, `${esc}(B`],
  [/^\[>4;[1-9]m/, `${esc}[>4;0m`],
  [/^\[>[0-9]*u/, `${esc}[<9u`],
  // The region that scrolls; to set that moves the cursor.
  [/^\[[0-9]+;[0-9]*r/, `${esc}7${esc}[r${esc}8`],
];

export class TerminalModes {
  readonly #modes = new Set<number>();
  readonly #undo = new Set<string>();
  #rest = "";

  /** Looks at what is printed; a sequence may be cut anywhere. */
  see(bytes: Buffer): void {
    const text = this.#rest + bytes.toString("latin1");
    if (!text.includes(esc)) return;
    // What follows each escape is looked at by itself.
    for (const piece of text.split(esc).slice(1)) {
      const [, numbers, action] = /^\[\?([0-9;]{1,40})([hl])/.exec(piece) ?? [];
      for (const number of numbers?.split(";") ?? []) this.#set(Number(number), action === "h");
      for (const [set, undo] of others) if (set.test(piece)) this.#undo.add(undo);
    }
    const last = text.slice(text.lastIndexOf(esc));
    this.#rest = last.length <= longestRest && /^.(?:\[[?>]?[0-9;]* ?|\()?$/s.test(last) ? last : "";
  }

  #set(mode: number, on: boolean): void {
    if (on === usuallyOn.has(mode)) this.#modes.delete(mode);
    else if (this.#modes.size < mostModes) this.#modes.add(mode);
  }

  /** What puts everything back, and the colours. */
  reset(): string {
    const modes = [...this.#modes].map((mode) => `${esc}[?${mode}${usuallyOn.has(mode) ? "h" : "l"}`);
    return [`${esc}[0m`, ...this.#undo, ...modes].join("");
  }
}
