// Names of users and groups, as User= and Group= may have them.

import { parseBounded } from "./number.js";
import { hasControls } from "./text.js";

/** The ids that stand for none, of 16 and of 32 bits. */
const none = new Set([0xffff, 0xffff_ffff]);

/** A user's or group's number, if that is what it is. */
export function parseAccountId(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d*)$/.test(text)) return undefined;
  const id = parseBounded(text, 0, 0xffff_ffff);
  return id === undefined || none.has(id) ? undefined : id;
}

/** Whether it can be the name or the number of a user or a group; generous, as systemd is with what others have made. */
export function isAccountName(text: string): boolean {
  if (text.length > 256) return false;
  if (/^\d+$/.test(text)) return parseAccountId(text) !== undefined;
  if (text === "" || text === "." || text === "..") return false;
  if (/^[ \t]|[ \t]$|[:/]|^-\d*$/.test(text)) return false;
  return !hasControls(text);
}
