// Where the configuration is when the command line does not say, and the one that a new user gets.

import { mkdir, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const suffixes = ["ts", "mts", "js", "mjs"] as const;

/** The names that are tried, in order. */
export function defaultPlaces(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): string[] {
  const stem =
    uid === 0
      ? "/etc/shepherd"
      : join(
          environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), ".config"),
          "shepherd",
          "init",
        );
  return suffixes.map((suffix) => `${stem}.${suffix}`);
}

/**
 * The configuration in its default place; undefined where root has none. A user who has none gets a commented
 * one, or none where it cannot be written.
 */
export async function findConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): Promise<string | undefined> {
  const places = defaultPlaces(environment, uid);
  for (const place of places) {
    const found = await stat(place).catch(() => undefined);
    if (found?.isFile() === true) return place;
  }
  const [first] = places;
  if (uid === 0 || first === undefined) return undefined;
  try {
    await mkdir(dirname(first), { recursive: true, mode: 0o700 });
    await writeFile(first, template, { flag: "wx", mode: 0o600 });
    return first;
  } catch {
    return undefined; // No home to write to: root alone is in force.
  }
}

export const template = `// The services that shepherd runs for you. After a change: herd reload root THIS-FILE
// What can be said here is in shepherd(8) and in the types of "shepherd-ts", which an editor shows.

import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";

export default defineConfig({
  services: [
    // A program that runs for as long as you are there, and is started again when it ends:
    //
    // service(["ssh-agent"], {
    //   documentation: "Run the SSH agent.",
    //   start: makeForkexecConstructor(["ssh-agent", "-D", "-a", \`\${process.env.XDG_RUNTIME_DIR}/ssh-agent\`]),
    //   stop: makeKillDestructor(),
    //   respawn: true,
    // }),
  ],
});

// So that the imports of the example above are not unused.
void [makeForkexecConstructor, makeKillDestructor, service];
`;
