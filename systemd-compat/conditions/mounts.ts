// What is mounted where, from /proc/self/mountinfo.

import type { SystemView } from "./view.js";

export interface Mount {
  readonly point: string;
  readonly readOnly: boolean;
  /** The device, as `MAJOR:MINOR`. */
  readonly device: string;
}

/** All mounts, in the order in which they were made. */
export async function mountsOf(view: SystemView): Promise<readonly Mount[]> {
  const text = (await view.text("/proc/self/mountinfo")) ?? "";
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const [, , device = "", , point, options = ""] = fields;
    if (point === undefined) return [];
    // After a dash come the file system's own type, source and options.
    const superOptions = fields[fields.indexOf("-") + 3] ?? "";
    const readOnly = [...options.split(","), ...superOptions.split(",")].includes("ro");
    return [{ point: unescapeOctal(point), readOnly, device }];
  });
}

/** Blanks and backslashes in mount points are written in octal. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a path, which is there, lies in. */
export async function mountOf(path: string, view: SystemView): Promise<Mount | undefined> {
  const real = await view.real(path);
  if (real === undefined) return undefined;
  const mounts = await mountsOf(view);
  const covering = mounts.filter(
    ({ point }) => point === "/" || real === point || real.startsWith(`${point}/`),
  );
  const longest = Math.max(...covering.map(({ point }) => point.length));
  // Of several in the same place the last one is seen.
  return covering.filter(({ point }) => point.length === longest).at(-1);
}

export async function isMountPoint(path: string, view: SystemView): Promise<boolean> {
  const real = await view.real(path);
  return real !== undefined && (await mountsOf(view)).some(({ point }) => point === real);
}
