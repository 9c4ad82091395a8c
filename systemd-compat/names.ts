// Names of units: what is one, its parts, and how any text is written into one.

import { fromBytes, toBytes } from "./parser/text.js";

/** Types of units, which are the suffixes of their names. */
export const unitTypes = [
  "service",
  "socket",
  "target",
  "device",
  "mount",
  "automount",
  "swap",
  "timer",
  "path",
  "slice",
  "scope",
] as const;
export type UnitType = (typeof unitTypes)[number];

export interface UnitName {
  /** Such as `postgresql@15-main.service`. */
  readonly full: string;
  /** Before `@`, or before the suffix: `postgresql`. */
  readonly prefix: string;
  /** Between `@` and the suffix: `15-main`; empty for a template; absent in any other name. */
  readonly instance?: string;
  readonly type: UnitType;
}

/** Bytes of a name that systemd takes. */
const longestName = 255;

/** Characters that stand for themselves in names. `@` too, which begins the instance. */
const plain = /[A-Za-z0-9:_.\\-]/;

export function isUnitType(text: string): text is UnitType {
  return unitTypes.some((type) => type === text);
}

/** The parts of a unit's name; undefined where it is none. */
export function parseUnitName(text: string): UnitName | undefined {
  if (text.length > longestName || !/^[A-Za-z0-9:_.\\@-]+$/.test(text)) return undefined;
  const dot = text.lastIndexOf(".");
  const type = text.slice(dot + 1);
  if (dot <= 0 || !isUnitType(type)) return undefined;
  const stem = text.slice(0, dot);
  const at = stem.indexOf("@");
  if (at === 0) return undefined;
  if (at < 0) return { full: text, prefix: stem, type };
  return { full: text, prefix: stem.slice(0, at), instance: stem.slice(at + 1), type };
}

/** The same of a name that is known to be one. @throws Error otherwise */
export function unitName(text: string): UnitName {
  const name = parseUnitName(text);
  if (name === undefined) throw new Error(`expected the name of a unit, got ${JSON.stringify(text)}`);
  return name;
}

/** Whether it is a template, such as `getty@.service`, which is nothing until it has an instance. */
export function isTemplate(name: UnitName): boolean {
  return name.instance === "";
}

/** Whether it is an instance of a template. */
export function isInstance(name: UnitName): boolean {
  return name.instance !== undefined && name.instance !== "";
}

/** The template that it is an instance of; undefined where it is none. */
export function templateOf(name: UnitName): UnitName | undefined {
  return isInstance(name) ? withInstance(name, "") : undefined;
}

/** The template or instance with another instance. */
export function withInstance(name: UnitName, instance: string): UnitName {
  return { ...name, instance, full: `${name.prefix}@${instance}.${name.type}` };
}

/** The same name with another type. */
export function withType(name: UnitName, type: UnitType): UnitName {
  return { ...name, type, full: `${stemOf(name)}.${type}` };
}

/** The name without its suffix. */
export function stemOf({ full, type }: UnitName): string {
  return full.slice(0, -type.length - 1);
}

/**
 * Text as it is written into a unit's name (systemd-escape): `/` becomes `-`; what names do not have, `-` itself, and a dot
 * at the beginning, become `\xHH` byte by byte.
 */
export function escapeName(text: string): string {
  const bytes = toBytes(text);
  return Array.from(bytes, (character, index) => {
    if (character === "/") return "-";
    const kept = plain.test(character) && character !== "-" && character !== "\\";
    if (kept && !(character === "." && index === 0)) return character;
    return hexadecimal(character);
  }).join("");
}

/** The text that was escaped so; undefined where a backslash begins nothing or the bytes are not UTF-8. */
export function unescapeName(text: string): string | undefined {
  const written = toBytes(text);
  let bytes = "";
  for (let at = 0; at < written.length; at += 1) {
    const character = written.charAt(at);
    if (character === "-") bytes += "/";
    else if (character !== "\\") bytes += character;
    else {
      const [, digits] = /^\\x([0-9a-fA-F]{2})/.exec(written.slice(at, at + 4)) ?? [];
      if (digits === undefined || digits === "00") return undefined;
      bytes += String.fromCharCode(Number.parseInt(digits, 16));
      at += 3;
    }
  }
  return fromBytes(bytes);
}

/**
 * A path as it is written into a unit's name (systemd-escape --path): without slashes at its ends, `/` alone is `-`.
 * Undefined for one with a part that is `..`, and for `.`.
 */
export function escapePath(path: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length > 0) return parts.includes("..") ? undefined : escapeName(parts.join("/"));
  return path === "" || path.startsWith("/") ? "-" : undefined;
}

/** The absolute path that was escaped so; undefined where there is none. */
export function unescapePath(text: string): string | undefined {
  if (text === "-") return "/";
  const path = unescapeName(text) ?? "";
  // No path gives what would begin or end with a slash, or have two of them side by side.
  const parts = path.split("/");
  return parts.some((part) => part === "" || part === "." || part === "..") ? undefined : `/${path}`;
}

/**
 * The unit that a person means (`systemctl start NAME`): a name that has no suffix gets `suffix`, a path becomes the mount
 * or device unit of that place, and what names cannot hold is escaped. Undefined where that is no name.
 */
export function mangleName(text: string, suffix: UnitType = "service"): string | undefined {
  if (text === "" || parseUnitName(text) !== undefined) return text === "" ? undefined : text;
  const path = text.startsWith("/") ? escapePath(text) : undefined;
  if (path !== undefined) return `${path}.${/^\/+(?:dev|sys)(?:\/|$)/.test(text) ? "device" : "mount"}`;
  const bytes = toBytes(text);
  const escaped = Array.from(bytes, (character) => {
    if (character === "/") return "-";
    return plain.test(character) || character === "@" ? character : hexadecimal(character);
  }).join("");
  const [, written = ""] = /^.+\.([^.]*)$/.exec(escaped) ?? [];
  const name = isUnitType(written) ? escaped : `${escaped}.${suffix}`;
  return parseUnitName(name)?.full;
}

function hexadecimal(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
