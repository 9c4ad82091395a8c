// How programs are run in a root of its own: by a program that stands in for another one, writes it down, and waits for its
// end; and by what the kernel says of a real one.

import { readFileSync, readlinkSync } from "node:fs";
import type { OwnRoot, RootFile } from "./own-root.js";

/** Where records are, in the root: everybody can make one. */
export const recordDirectory = "/recorded";

/** A process as it was when it had just been executed. */
export interface Recorded {
  readonly pid: number;
  /** Without the interpreter of the recorder itself. */
  readonly argv: readonly string[];
  /** `NAME=VALUE`, in their order. */
  readonly environment: readonly string[];
  /** Real, effective, saved and of the file system, if they are not all the same. */
  readonly uid: string;
  readonly gid: string;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly directory: string;
  readonly umask: string;
  /** What standard input, output and error are. */
  readonly streams: readonly string[];
}

/**
 * The recorder. It knows pid files by an option `--pid-file=FILE` or, where it stands in for an interpreter of Scheme, by a
 * keyword `#:pid-file` in the program that it is given.
 */
export const recorder: RootFile = {
  mode: 0o755,
  text: `#!/bin/sh
self=$$
program=\${0##*/}
record=${recordDirectory}/$program
own=$record.$self
/bin/mkdir "$own"
for file in cmdline environ status; do
  /bin/cat "/proc/$self/$file" >"$own/$file"
done
links=$(for link in cwd fd/0 fd/1 fd/2; do /bin/readlink "/proc/$self/$link"; done)
echo "$links" >"$own/links"
echo "$program writes a line, and no more"
/bin/ln -s "$own" "$own.link"
/bin/mv -T "$own.link" "$record"
pid_file=
for argument do
  case $argument in
    --pid-file=*) pid_file=\${argument#--pid-file=} ;;
    /*) pid_file=$(/bin/sed -n 's/.*#:pid-file "\\([^"]*\\)".*/\\1/p' "$argument") ;;
  esac
done
[ -z "$pid_file" ] || echo "$self" >"$pid_file"
trap 'echo "$program got TERM"; exit 0' TERM
while :; do
  /bin/sleep 1000 &
  wait "$!"
done
`,
};

/** What a recorder has written down, the last time that it was run as the program of that name, once it has. */
export async function recorded(root: OwnRoot, program: string): Promise<Recorded> {
  // Not by the link, which may come to mean another record meanwhile.
  const record = await root.waitFor(`${program} has been run`, async () => {
    const { status, stdout } = await root.run(["readlink", `${recordDirectory}/${program}`]);
    return status === 0 && stdout.trimEnd();
  });
  const read = (name: string): Promise<string> => root.ok("cat", `${record}/${name}`);
  const [status, links, cmdline, environ] = [
    await read("status"),
    await read("links"),
    await read("cmdline"),
    await read("environ"),
  ];
  const [, ...argv] = strings(cmdline);
  return {
    ...statusOf(status),
    ...linksOf(links.trimEnd().split("\n")),
    argv,
    environment: strings(environ),
  };
}

/** A process inside as it is now, by its number out here. */
export function running(pid: number): Recorded {
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "utf8");
  return {
    ...statusOf(read("status")),
    ...linksOf(["cwd", "fd/0", "fd/1", "fd/2"].map((name) => readlinkSync(`/proc/${pid}/${name}`))),
    argv: strings(read("cmdline")),
    environment: strings(read("environ")),
  };
}

const strings = (text: string): readonly string[] => text.split("\0").slice(0, -1);

function statusOf(status: string): Pick<Recorded, "pid" | "uid" | "gid" | "groups" | "umask"> {
  const field = (name: string): readonly string[] =>
    (new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "").split(/\s+/).filter(Boolean);
  return {
    pid: Number(field("NSpid").at(-1)),
    uid: [...new Set(field("Uid"))].join(" "),
    gid: [...new Set(field("Gid"))].join(" "),
    groups: field("Groups").map(Number),
    umask: field("Umask").join(" "),
  };
}

function linksOf([directory = "", ...streams]: readonly string[]): Pick<Recorded, "directory" | "streams"> {
  return { directory, streams };
}
