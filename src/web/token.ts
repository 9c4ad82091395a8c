// The token without which nothing is told: from the environment, from a file of the user's, or made into a file of ours.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { errorCode, systemErrorText } from "../herd/system-error.js";
import { isToken, mostTokenLength, tokenRule } from "./token-rule.js";

export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** The token that is in a file, which white space may follow. Throws a TokenError. */
export function readToken(file: string): string {
  const text = contentsOf(file, 0).trimEnd();
  if (!isToken(text)) throw new TokenError(`${file}: expected a token of ${tokenRule}, and nothing else`);
  return text;
}

/** The token that is in our own file, which is made, for us alone, where there is none. Throws a TokenError. */
export function ownToken(file: string): string {
  const temporary = `${file}.${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx", mode: 0o600 });
    // Whole or not at all, and never in the place of another.
    linkSync(temporary, file);
  } catch (error) {
    if (errorCode(error) !== "EEXIST")
      throw new TokenError(`cannot make ${file}: ${systemErrorText(errorCode(error))}`);
  } finally {
    rmSync(temporary, { force: true });
  }
  const text = contentsOf(file, constants.O_NOFOLLOW, true).trimEnd();
  if (!isToken(text))
    throw new TokenError(`${file}: expected a token of ${tokenRule}; remove the file, and a new one is made`);
  return text;
}

function contentsOf(file: string, flags: number, isPrivate = false): string {
  let descriptor: number;
  try {
    // One that is a FIFO must not keep us waiting.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  } catch (error) {
    throw new TokenError(`cannot open ${file}: ${systemErrorText(errorCode(error))}`);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new TokenError(`${file}: it is no regular file`);
    if (isPrivate && ((status.mode & 0o077) !== 0 || status.uid !== process.geteuid?.()))
      throw new TokenError(`${file}: others have access to it; remove the file, and a new one is made`);
    const bytes = Buffer.alloc(mostTokenLength + 2);
    return bytes.toString("latin1", 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
