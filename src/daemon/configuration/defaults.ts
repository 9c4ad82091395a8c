// Which configuration is loaded where the command line names none.

import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { baseDirectory, type Environment } from "./directories.js";

/** In the order in which they are looked for. */
const extensions = [".ts", ".mts", ".js", ".mjs"] as const;

/**
 * The configuration to load: `/etc/shepherd.ts` for root, `~/.config/shepherd/init.ts` for a user, or the same name with
 * another extension. A user who has none gets one to begin with; root has to write one, and until then there is none.
 */
export async function findConfiguration(environment: Environment, uid: number): Promise<string | undefined> {
  if (uid === 0) return await firstOf("/etc/shepherd");
  const stem = join(baseDirectory(environment, "XDG_CONFIG_HOME", ".config"), "shepherd", "init");
  return (await firstOf(stem)) ?? (await createTemplate(`${stem}.ts`));
}

/** Where there must be no file, lest that were loaded instead of `file`, which was looked for. */
export function preferredTo(file: string): readonly string[] {
  const stem = file.slice(0, -extname(file).length);
  return candidates(stem).slice(0, Math.max(0, candidates(stem).indexOf(file)));
}

function candidates(stem: string): readonly string[] {
  return extensions.map((extension) => `${stem}${extension}`);
}

async function firstOf(stem: string): Promise<string | undefined> {
  for (const file of candidates(stem)) {
    try {
      await access(file);
      return file;
    } catch (error) {
      // A file that is there and cannot be read is the one that was meant; loading it says what is wrong.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return file;
    }
  }
  return undefined;
}

async function createTemplate(file: string): Promise<string> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, template, { flag: "wx" });
  } catch {
    // A read-only home must not keep the supervisor from running. Loading the file that is not there is what gets logged.
  }
  return file;
}

/** The configuration that a new user gets: it loads as it is. */
export const template = `// The services of your own supervisor; see shepherd(8). After a change: herd reload root FILE

import { defineConfig } from "shepherd-ts";

export default defineConfig({
  services: [
    // A program that runs until it is stopped, and is started again when it ends by itself:
    //
    // service(["agent"], {
    //   documentation: "Keep the keys of ssh.",
    //   start: makeForkexecConstructor(["ssh-agent", "-D"]),
    //   stop: makeKillDestructor(),
    //   respawn: true,
    // }),
    //
    // Import what you use: import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";
  ],
});
`;
