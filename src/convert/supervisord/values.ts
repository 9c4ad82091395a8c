// Values of supervisord's options: numbers, truths, sizes, signals.

import { constants } from "node:os";
import { fail, type Place, placeText } from "../error.js";
import { hasMarks, type Marks } from "../text.js";
import { expand, type Names } from "./expansion.js";
import type { Section, Setting } from "./ini.js";

/** The options of one section, as they are for one process. What is asked for counts as known. */
export class Options {
  readonly section: Section;
  readonly #names: Names;
  readonly #marks: Marks;
  readonly #asked = new Set<string>();

  constructor(section: Section, names: Names, marks: Marks) {
    this.section = section;
    this.#names = names;
    this.#marks = marks;
  }

  setting(name: string): Setting | undefined {
    this.#asked.add(name);
    return this.section.settings.get(name);
  }

  /** With marks in it. */
  text(name: string): string | undefined {
    const setting = this.setting(name);
    return setting === undefined ? undefined : expand(setting.value, this.#names, this.#marks, setting);
  }

  /** What must be known now. */
  #plain(name: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && hasMarks(value))
      fail(this.place(name), `${name}: the value must be there when the file is converted, not only later`);
    return value;
  }

  place(name: string): Place {
    return this.section.settings.get(name) ?? this.section;
  }

  truth(name: string): boolean | undefined {
    const value = this.#plain(name)?.toLowerCase();
    if (value === undefined) return undefined;
    if (["true", "yes", "on", "1"].includes(value)) return true;
    if (["false", "no", "off", "0"].includes(value)) return false;
    fail(this.place(name), `${name}: expected true or false, got ${JSON.stringify(value)}`);
  }

  count(name: string): number | undefined {
    const value = this.#plain(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,9}$/.test(value))
      fail(this.place(name), `${name}: expected a number, got ${JSON.stringify(value)}`);
    return Number(value);
  }

  octal(name: string): number | undefined {
    const value = this.#plain(name);
    if (value === undefined) return undefined;
    if (!/^[0-7]{1,4}$/.test(value))
      fail(this.place(name), `${name}: expected an octal number, got ${JSON.stringify(value)}`);
    return Number.parseInt(value, 8);
  }

  /** Bytes. */
  size(name: string): number | undefined {
    const value = this.#plain(name);
    if (value === undefined) return undefined;
    const [, number, unit = ""] = /^(\d{1,12})\s*([KMG]B)?$/i.exec(value) ?? [];
    if (number === undefined)
      fail(this.place(name), `${name}: expected a size such as 50MB, got ${JSON.stringify(value)}`);
    return Number(number) * ({ KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit.toUpperCase()] ?? 1);
  }

  signal(name: string): string | undefined {
    const value = this.#plain(name);
    if (value === undefined || /^\d{1,2}$/.test(value)) return value;
    const full = `SIG${value.toUpperCase().replace(/^SIG/, "")}`;
    if (!Object.hasOwn(constants.signals, full))
      fail(this.place(name), `${name}: there is no signal ${JSON.stringify(value)}`);
    return full;
  }

  list(name: string): readonly string[] {
    return (this.#plain(name) ?? "").split(/[\s,]+/).filter((one) => one !== "");
  }

  /** A remark about an option that is set. */
  remark(name: string, what: string): readonly string[] {
    const setting = this.setting(name);
    return setting === undefined ? [] : [remarkOn(setting, what)];
  }

  /** A remark about each option that nobody has asked for. */
  rest(known: ReadonlyMap<string, string>): readonly string[] {
    return [...this.section.settings.values()]
      .filter(({ name }) => !this.#asked.has(name))
      .map((one) => remarkOn(one, known.get(one.name) ?? "not applied: supervisord has no such option here"));
  }
}

/** Of a value in a comment. */
const longest = 60;

export function remarkOn(setting: Setting, what: string): string {
  const { name, value } = setting;
  const shown = value.length > longest ? `${value.slice(0, longest)}…` : value;
  return `${placeText(setting)}: ${name}=${shown.replaceAll("\n", " ")}: ${what}.`;
}
