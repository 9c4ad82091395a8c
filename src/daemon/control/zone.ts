// What the time zone of this process is known by. The system's may change under us, and times are shown in the one with which
// we began.

import { stat } from "node:fs/promises";

/** A function that gives the key; native/herd/connection.c makes the same of what it finds. */
export async function zoneKey(file = "/etc/localtime"): Promise<() => string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  const system = found === undefined ? "localtime none" : `localtime ${found.mtimeNs} ${found.size}`;
  return () => (process.env.TZ === undefined ? system : `TZ=${process.env.TZ}`);
}
