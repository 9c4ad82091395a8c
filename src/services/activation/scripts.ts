// The programs of a system directory: scripts that hand it to the supervisor's own command, which carries out its data.

import { type PlainFile, plainFile } from "../files/file-like.js";

/**
 * The script `boot` or `activate`. It finds the directory that it lies in, so that it is the same wherever that is, and so
 * that a copy of the directory is not mistaken for the original.
 */
export function scriptFor(name: "boot" | "activate"): PlainFile {
  const lines = [
    "#!/bin/sh",
    `# ${name === "boot" ? "Activates this system, and supervises its services." : "Activates this system."}`,
    'system=$(dirname -- "$(readlink -f -- "$0")") || exit 1',
    `exec "\${SHEPHERD:-shepherd}" system ${name} "$system" "$@"`,
    "",
  ];
  return plainFile(name, lines.join("\n"), { mode: 0o555 });
}
