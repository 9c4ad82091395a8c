// Commands about the whole system: its end, and the manager itself.

import { type Context, Failure, statuses, tell } from "./context.js";

/** Verbs, and what the supervisor is asked for. */
const endings: Readonly<Record<string, string>> = {
  poweroff: "power-off",
  reboot: "reboot",
  halt: "halt",
  kexec: "kexec",
  exit: "power-off",
};

export const powerVerbs: readonly string[] = Object.keys(endings);

/** Ends the system: services are stopped first, whatever the options. */
export async function endSystem(context: Context): Promise<number> {
  const action = endings[context.verb];
  if (action === undefined) throw new Failure(`Unknown command verb ${context.verb}.`);
  return await manage(context, action, [], "root");
}

/** Units are read anew. Where the configuration reads none there is nothing to be done. */
export async function daemonReload(context: Context): Promise<number> {
  const { succeeded, lines } = await context.daemon.manage("daemon-reload", [], "systemd");
  if (succeeded || !(await context.daemon.readsUnits())) return statuses.ok;
  for (const line of lines) context.errors.write(`${line}\n`);
  return statuses.failed;
}

/** A new daemon goes on where the old one was. */
export async function daemonReexec(context: Context): Promise<number> {
  return await manage(context, "restart", [], "root");
}

async function manage(
  context: Context,
  action: string,
  words: readonly string[],
  service: string,
): Promise<number> {
  const { succeeded, lines } = await context.daemon.manage(action, words, service);
  for (const line of lines) tell(context, line);
  return succeeded ? statuses.ok : statuses.failed;
}
