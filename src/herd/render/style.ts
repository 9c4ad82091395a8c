// Colours, where GNU herd has them: only on a terminal, and not when NO_COLOR is set.

export interface Style {
  /** Headings, and what is running. */
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly success: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly error: (text: string) => string;
  readonly hint: (text: string) => string;
}

/** A line is coloured with its newline, as GNU herd does it. */
export const colourful: Style = {
  bold: paint("1"),
  dim: paint("2"),
  success: paint("1;32"),
  warning: paint("1;35"),
  error: paint("1;31"),
  hint: paint("1;36"),
};

export const plain: Style = {
  bold: unchanged,
  dim: unchanged,
  success: unchanged,
  warning: unchanged,
  error: unchanged,
  hint: unchanged,
};

function paint(code: string): (text: string) => string {
  return (text) => `\x1b[${code}m${text}\x1b[0m`;
}

function unchanged(text: string): string {
  return text;
}
