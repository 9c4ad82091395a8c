// Values of syslog(3): facilities and levels, by name or number.

import { parseBounded } from "../parser/number.js";
import { scalar } from "./type.js";

const facilities = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  // Four numbers belong to nobody.
  ...["", "", "", ""],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];

/** A facility's name; of one without a name, its number as text. */
export const logFacility = scalar("a facility such as daemon", (text) => {
  const number = facilities.indexOf(text === "" ? "none" : text);
  const found = number >= 0 ? number : parseBounded(text, 0, 127);
  return found === undefined ? undefined : facilities[found] || String(found);
});

const levels = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;
export type LogLevel = (typeof levels)[number];

export const logLevel = scalar<LogLevel>(`one of ${levels.join(", ")}`, (text) => {
  return levels.find((level) => level === text) ?? levels[parseBounded(text, 0, 7) ?? -1];
});
