// Settings as JSON and back: what JSON has no form for (infinity, maps, bytes) is written as an object of one key.

import type { Json } from "../definition/types.js";

declare const encodes: unique symbol;

/** JSON that `encode` made of a `T`. */
export type Encoded<T> = Json & { readonly [encodes]?: T };

const infinity = "$infinity";
const map = "$map";
const bytes = "$bytes";

export function encode<T extends object>(value: T): Encoded<T> {
  return toJson(value) as Encoded<T>;
}

const decoded = new WeakMap<object, unknown>();

/** What `encode` was given; the same object each time for the same JSON. */
export function decode<T extends object>(json: Encoded<T>): T {
  if (typeof json !== "object" || json === null) throw new TypeError("no encoded settings");
  let value = decoded.get(json);
  if (value === undefined) {
    value = fromJson(json as Json);
    decoded.set(json, value);
  }
  return value as T;
}

function toJson(value: unknown): Json {
  if (value === Number.POSITIVE_INFINITY) return { [infinity]: true };
  if (value instanceof Map) return { [map]: [...value].map(([key, item]) => [toJson(key), toJson(item)]) };
  if (value instanceof Uint8Array) return { [bytes]: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value as Json;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, toJson(member)]));
}

function fromJson(json: Json): unknown {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json) as [string, Json][];
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [key, value] = only;
    if (key === infinity) return Number.POSITIVE_INFINITY;
    if (key === map && Array.isArray(value))
      return new Map((value as [Json, Json][]).map(([name, item]) => [fromJson(name), fromJson(item)]));
    if (key === bytes && typeof value === "string") return new Uint8Array(Buffer.from(value, "base64"));
  }
  return Object.fromEntries(entries.map(([name, member]) => [name, fromJson(member)]));
}
