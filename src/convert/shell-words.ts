// Words of a command as a POSIX shell reads them, without any of its expansions: what Python's shlex.split does.

/** Undefined where a quotation does not end, or a backslash is the last character. */
export function splitWords(command: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < command.length; at += 1) {
    const character = command[at] ?? "";
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === "'") {
      const end = command.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? "") + command.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const quoted = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(command.slice(at));
      if (quoted === null) return undefined;
      word = (word ?? "") + (quoted[1] ?? "").replace(/\\(["\\])/g, "$1");
      at += quoted[0].length - 1;
    } else if (character === "\\") {
      at += 1;
      if (at === command.length) return undefined;
      word = (word ?? "") + command[at];
    } else word = (word ?? "") + character;
  }
  return word === undefined ? words : [...words, word];
}

/** What only a shell has: a program of that name need not be there, or does nothing for others. */
const ofShell =
  /^(?:[.:]|alias|cd|command|do|eval|exec|exit|export|for|if|read|set|source|time|trap|ulimit|umask|until|wait|while)$/;

/** Whether a shell would run a command as its words and nothing else. */
export function isPlain(command: string): boolean {
  const [first = ""] = command.trim().split(/\s+/);
  return /^[\w@%+=:,./\s-]+$/.test(command) && !first.includes("=") && !ofShell.test(first);
}
