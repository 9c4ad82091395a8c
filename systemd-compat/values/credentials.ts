// Values that are credentials: secrets which a service gets as files of its own.

import { isFileName } from "../parser/path.js";
import { absolutePath } from "./files.js";
import { BadValue, mismatch, type ValueContext, type ValueType } from "./type.js";

/** A credential by its name, and where it comes from. */
export interface Credential {
  readonly name: string;
  /** An absolute name of a file, directory or socket, or the name of a credential of the system. */
  readonly source: string;
}

export interface CredentialText {
  readonly name: string;
  readonly text: string;
}

const nameRule = "a name of a credential";

function checkName(text: string, context: ValueContext): string {
  const name = context.expand(text);
  if (!isFileName(name) || /[\p{Cc}:]/u.test(name)) throw new BadValue(mismatch(nameRule, name));
  return name;
}

export const credentials: ValueType<readonly Credential[]> = {
  expected: "NAME or NAME:SOURCE",
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const colon = text.indexOf(":");
    const name = checkName(colon < 0 ? text : text.slice(0, colon), context);
    const written = colon < 0 ? name : text.slice(colon + 1);
    const source = written.startsWith("/")
      ? absolutePath(context.expand(written))
      : checkName(written, context);
    return [...previous.filter((one) => one.name !== name), { name, source }];
  },
};

export const credentialTexts: ValueType<readonly CredentialText[]> = {
  expected: "NAME:TEXT",
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const colon = text.indexOf(":");
    if (colon < 0) throw new BadValue(mismatch(this.expected, text));
    const name = checkName(text.slice(0, colon), context);
    const found = { name, text: context.expand(text.slice(colon + 1)) };
    return [...previous.filter((one) => one.name !== name), found];
  },
};
