// A small Debian system, made once in a cache directory, for what installs Debian's packages in a machine of its own: they are
// downloaded beforehand, so that the machine needs no network.

import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.js";

/** It takes half a minute; a slow mirror more. */
const INSTALLATION_TIMEOUT = 600_000;

/** The suite whose units the tests know. */
const suite = "bookworm";

/** The mirror that apt uses here; undefined where it has none. */
export async function debianMirror(): Promise<string | undefined> {
  const directory = "/etc/apt/sources.list.d";
  const listed = existsSync(directory) ? (await readdir(directory)).map((name) => join(directory, name)) : [];
  for (const file of ["/etc/apt/sources.list", ...listed].filter((name) => existsSync(name))) {
    const text = await readFile(file, "utf8");
    const found = /^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The directory with the system, where these packages can be installed without a network; or why there is none, for `skip`. */
export async function findDebian(packages: readonly string[]): Promise<{ readonly root: string } | string> {
  if (process.getuid?.() !== 0) return "needs root, for chroot";
  const cache = process.env.SHEPHERD_TEST_CACHE ?? join(tmpdir(), "shepherd-ts-test-cache");
  const root = join(cache, `debian-${suite}-${[...packages].sort().join("-")}`);
  if (existsSync(root)) return { root };
  if (!existsSync("/usr/sbin/debootstrap")) return "needs debootstrap";
  const mirror = await debianMirror();
  if (mirror === undefined) return "needs a Debian mirror in apt's sources";
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, "building-"));
  const made = await run(
    "debootstrap",
    ["--variant=minbase", "--include=ca-certificates,procps,curl,netcat-openbsd", suite, building, mirror],
    { timeout: INSTALLATION_TIMEOUT },
  );
  let failure =
    made.status === 0 ? undefined : `debootstrap failed: ${made.stderr || made.stdout.slice(-300)}`;
  if (failure === undefined) {
    await copyFile("/etc/resolv.conf", join(building, "etc/resolv.conf")).catch(() => undefined);
    // As it would be installed, and nothing but downloaded.
    const command = `apt-get update -qq && apt-get -y -qq --no-install-recommends --download-only install ${packages.join(" ")}`;
    const got = await run("unshare", ["--mount", "sh", "-c", enter, building, "sh", "-c", command], {
      timeout: INSTALLATION_TIMEOUT,
    });
    if (got.status !== 0) failure = `apt-get failed: ${got.stderr}`;
  }
  // The rename makes a half-built system impossible; of two builders at once the first wins.
  if (failure === undefined) await rename(building, root).catch(() => undefined);
  await rm(building, { recursive: true, force: true });
  return existsSync(root) ? { root } : (failure ?? "it is gone");
}

/** A script for `sh -c`: runs its arguments in the chroot `$0`, with /proc mounted. */
const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
