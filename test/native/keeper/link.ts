// What a test and its agent tell each other, as JSON that also carries bigint and bytes.

import type { Inventory, KeeperEvent, Request, Result } from "../../../src/daemon/keeper/types.js";

export type Command =
  | { readonly kind: "send"; readonly requests: readonly Request[]; readonly stopOnError: boolean }
  | { readonly kind: "raw"; readonly bytes: Uint8Array }
  /** Writes raw frames and reports the results of all of them; only for an agent that said no hello. */
  | { readonly kind: "exchange"; readonly frames: readonly Uint8Array[] }
  /** Writes and dies at once. */
  | { readonly kind: "last-words"; readonly bytes: Uint8Array }
  | { readonly kind: "print"; readonly text: string }
  /** Answers each client of a listening descriptor with the number of this daemon. */
  | { readonly kind: "serve"; readonly descriptor: number }
  | { readonly kind: "spin" }
  | { readonly kind: "exit"; readonly code: number };

export type Report =
  | {
      readonly kind: "hello";
      readonly pid: number;
      readonly environment: NodeJS.ProcessEnv;
      readonly inventory: Inventory | undefined;
    }
  | { readonly kind: "event"; readonly event: KeeperEvent }
  | { readonly kind: "results"; readonly results: readonly Result[] }
  | { readonly kind: "refused"; readonly reason: string };

export function encode(value: Command | Report): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key) {
    const item = this[key]; // before a Buffer's toJSON
    if (typeof item === "bigint") return { $integer: String(item) };
    if (item instanceof Map) return { $map: [...item] };
    if (item instanceof Uint8Array) return { $bytes: Buffer.from(item).toString("base64") };
    return item;
  });
}

export function decode(line: string): unknown {
  return JSON.parse(line, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null) return item;
    if ("$integer" in item) return BigInt(item.$integer as string);
    if ("$map" in item) return new Map(item.$map as [unknown, unknown][]);
    if ("$bytes" in item) return Buffer.from(item.$bytes as string, "base64");
    return item;
  });
}
