// Where unit files and presets are looked for, most important first.

/**
 * The directories of the system's units. Debian's systemd has /lib before /usr/lib, which on a system of today is the same
 * directory.
 */
export const systemSearchPath: readonly string[] = [
  "/etc/systemd/system.control",
  "/run/systemd/system.control",
  "/run/systemd/transient",
  "/run/systemd/generator.early",
  "/etc/systemd/system",
  "/etc/systemd/system.attached",
  "/run/systemd/system",
  "/run/systemd/system.attached",
  "/run/systemd/generator",
  "/usr/local/lib/systemd/system",
  "/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/run/systemd/generator.late",
];

/** Those of presets for the system. */
export const systemPresetPath: readonly string[] = [
  "/etc/systemd/system-preset",
  "/run/systemd/system-preset",
  "/usr/local/lib/systemd/system-preset",
  "/usr/lib/systemd/system-preset",
  "/lib/systemd/system-preset",
];

type Environment = Readonly<Record<string, string | undefined>>;

/** The directories of a user's units. */
export function userSearchPath(environment: Environment, home: string): readonly string[] {
  const configuration = environment.XDG_CONFIG_HOME ?? `${home}/.config`;
  const data = environment.XDG_DATA_HOME ?? `${home}/.local/share`;
  const runtime = environment.XDG_RUNTIME_DIR;
  const below = (names: readonly string[]) =>
    runtime === undefined ? [] : names.map((name) => `${runtime}/systemd/${name}`);
  return unique([
    `${configuration}/systemd/user.control`,
    ...below(["user.control", "transient", "generator.early"]),
    `${configuration}/systemd/user`,
    ...directories(environment.XDG_CONFIG_DIRS, "/etc/xdg"),
    "/etc/systemd/user",
    ...below(["user"]),
    "/run/systemd/user",
    ...below(["generator"]),
    `${data}/systemd/user`,
    ...directories(environment.XDG_DATA_DIRS, "/usr/local/share:/usr/share"),
    "/usr/local/lib/systemd/user",
    "/usr/local/share/systemd/user",
    "/usr/lib/systemd/user",
    "/usr/share/systemd/user",
    ...below(["generator.late"]),
  ]);
}

function directories(variable: string | undefined, usual: string): string[] {
  const list = variable === undefined || variable === "" ? usual : variable;
  return list
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory.replace(/\/+$/, "")}/systemd/user`);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
