// What supervisord puts into values: %(program_name)s, %(process_num)02d, %(here)s, %(ENV_HOME)s and their like.

import { fail, type Place } from "../error.js";
import type { Marks } from "../text.js";

/** By the names between the parentheses. */
export type Names = Readonly<Record<string, string | number>>;

/** What Python's formatting knows: %%, or a name with flags, a width, a precision and a type. */
const conversion = /%(?:%|\(([^)]*)\)([#0 +-]*)(\d*)(?:\.(\d+))?([A-Za-z]))?/g;

/**
 * @param marks where what only the supervisor knows becomes an expression of the module
 * @throws ConversionError
 */
export function expand(value: string, names: Names, marks: Marks, place: Place): string {
  return value.replace(
    conversion,
    (whole, name: string | undefined, flags = "", width = "", precision = "", type = "") => {
      if (whole === "%%") return "%";
      if (name === undefined)
        fail(place, `${JSON.stringify(value)} has a percent sign that begins nothing: write %% for one`);
      if (type !== "s" && type !== "d" && type !== "i")
        fail(place, `${whole}: only the types s and d are known`);
      if (name === "host_node_name") return marks.markOf({ code: "hostname()", use: "hostname" });
      const variable = /^ENV_(.+)$/.exec(name)?.[1];
      if (variable !== undefined)
        return marks.markOf({ code: `env(${JSON.stringify(variable)})`, use: "env" });
      const found = Object.hasOwn(names, name) ? names[name] : undefined;
      if (found === undefined)
        fail(place, `${whole}: unknown name; known are ${Object.keys(names).join(", ")}, ENV_NAME`);
      if (type !== "s" && typeof found !== "number") fail(place, `${whole}: ${name} is no number`);
      return padded(typeof found === "number" ? found : cut(found, precision), flags, Number(width));
    },
  );
}

const cut = (text: string, precision: string): string =>
  precision === "" ? text : text.slice(0, Number(precision));

function padded(value: string | number, flags: string, width: number): string {
  const shown = String(value);
  if (flags.includes("-")) return shown.padEnd(width);
  return shown.padStart(width, flags.includes("0") && typeof value === "number" ? "0" : " ");
}

/** `KEY="value",KEY2=value`: in supervisord quotes are only taken off the ends of a value. */
export function parseEnvironment(value: string, place: Place): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  let rest = value.trim();
  while (rest !== "") {
    const pair = /^([\w/.+():-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s,"'=]+)\s*(?:,\s*|$)/.exec(rest);
    const [whole, name, given] = pair ?? [];
    if (whole === undefined || name === undefined || given === undefined)
      fail(place, `expected NAME="VALUE" and commas between such pairs, got ${JSON.stringify(rest)}`);
    variables.set(name, given.replace(/^["']+|["']+$/g, ""));
    rest = rest.slice(whole.length).trimStart();
  }
  return variables;
}
