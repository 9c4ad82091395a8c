// What one datagram on a notify socket says: sd_notify(3)'s assignments, parsed. Anybody may have written it.

export interface Notice {
  readonly ready?: true;
  readonly reloading?: true;
  readonly stopping?: true;
  /** One printable line; empty: none any more. */
  readonly statusText?: string;
  readonly errno?: number;
  readonly mainPid?: number;
  readonly watchdog?: "alive" | "trigger";
  /** Seconds; 0: none any more. */
  readonly watchdogSeconds?: number;
  /** Seconds from now. */
  readonly extendSeconds?: number;
  readonly barrier?: true;
  /** The name of the descriptors that came with it. */
  readonly store?: string;
  /** The name of the descriptors that are not wanted any more. */
  readonly unstore?: string;
}

/** Bytes of a datagram: a status and all that else there is are far shorter. */
const longest = 65_535;
const longestStatus = 512;
/** Longer than any interval or timeout that an option can have. */
const mostSeconds = 2_147_483;
const usualName = "stored";

/** @returns the notice, or why it is none */
export function parseNotice(data: Uint8Array, truncated: boolean): Notice | string {
  if (truncated || data.length > longest) return `it is longer than ${longest} bytes`;
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString("utf8");
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
  }
  const isOne = (key: string): boolean => values.get(key) === "1";
  const status = values.get("STATUS");
  const errno = count(values.get("ERRNO"), 4095);
  const mainPid = count(values.get("MAINPID"), 2 ** 22);
  const watchdogSeconds = seconds(values.get("WATCHDOG_USEC"));
  const extendSeconds = seconds(values.get("EXTEND_TIMEOUT_USEC"));
  const watchdog = values.get("WATCHDOG");
  const name = values.get("FDNAME") ?? usualName;
  const namesDescriptors = isOne("FDSTORE") || isOne("FDSTOREREMOVE");
  if (namesDescriptors && !isDescriptorName(name))
    return "its FDNAME is not 1 to 255 ASCII characters without colons and spaces";
  return {
    ...(isOne("READY") ? { ready: true } : {}),
    ...(isOne("RELOADING") && !isOne("READY") ? { reloading: true } : {}),
    ...(isOne("STOPPING") ? { stopping: true } : {}),
    ...(status === undefined ? {} : { statusText: printable(status) }),
    ...(errno === undefined ? {} : { errno }),
    ...(mainPid === undefined || mainPid < 2 ? {} : { mainPid }),
    ...(watchdog === "1" ? { watchdog: "alive" } : watchdog === "trigger" ? { watchdog } : {}),
    ...(watchdogSeconds === undefined ? {} : { watchdogSeconds }),
    ...(extendSeconds === undefined ? {} : { extendSeconds }),
    ...(isOne("BARRIER") ? { barrier: true } : {}),
    ...(isOne("FDSTORE") && !isOne("BARRIER") ? { store: name } : {}),
    ...(isOne("FDSTOREREMOVE") ? { unstore: name } : {}),
  };
}

function isDescriptorName(name: string): boolean {
  return /^[!-9;-~]{1,255}$/.test(name);
}

/** It is shown on terminals, and noted. */
function printable(text: string): string {
  return text
    .slice(0, longestStatus)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�")
    .trim();
}

function count(text: string | undefined, most: number): number | undefined {
  if (text === undefined || !/^[0-9]{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}

/** Of microseconds. */
function seconds(text: string | undefined): number | undefined {
  const value = count(text, mostSeconds * 1e6);
  return value === undefined ? undefined : value / 1e6;
}
