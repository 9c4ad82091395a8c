// Commands for a shell, made of words that mean nothing to it.

/** One word as a POSIX shell reads it, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command that a shell runs as these words. */
export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
