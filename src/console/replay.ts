// Scrollback as it is shown to somebody who attaches later: without what asks the terminal something. Its answer would
// arrive as if it were typed, at a program that has had one long ago.

/** Nobody is asked for more than this. */
const string = "[^\\u001b\\u0007]{0,256}";
const end = "(?:\\u0007|\\u001b\\\\)";

const questions: readonly string[] = [
  // ENQ
  "\\u0005",
  // What it is, and which version.
  "\\u001b\\[[?>=]?[0-9;]*c",
  "\\u001b\\[>[0-9;]*q",
  "\\u001bZ",
  // Where the cursor is, or how it does.
  "\\u001b\\[[?>]?[0-9;]*n",
  "\\u001b\\[[0-9;]*x",
  // Its modes, and those of its keyboard.
  "\\u001b\\[\\??[0-9;]*\\$p",
  "\\u001b\\[\\?[0-9;]*u",
  "\\u001b\\[\\?[0-9;]*m",
  // Its window: place, size, title.
  "\\u001b\\[[0-9;]*t",
  // Settings, capabilities, colours and the clipboard.
  `\\u001bP[$+]q${string}${end}`,
  `\\u001b\\][0-9;]*;?${string}\\?${end}`,
  // Graphics.
  `\\u001b_G${string}\\u001b\\\\`,
];

const question = new RegExp(questions.join("|"), "g");

export function withoutQuestions(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replace(question, ""), "latin1");
}
