// Which requests to root end the shepherd, so that it may be gone before it could answer, and have been carried out.

const finalActions: ReadonlySet<string> = new Set(["stop", "halt", "power-off", "reboot", "kexec"]);

/** @param words what follows `root`; a shutdown at a later time, which is the second of them, is answered as usual */
export function endsShepherd(action: string, [, time]: readonly string[]): boolean {
  return finalActions.has(action) || (action === "shutdown" && /^(?:now|\+?0+)$/.test(time ?? ""));
}
