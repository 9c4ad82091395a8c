// Units of Debian 12, as the packages ship them: unpacked for a test, or the reason why there are none.

import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";

const archive = "../shared/data/units.tar.gz";

/** Why there are none; false if there are. */
export const noCorpus: string | false = existsSync(archive) ? false : `needs units of Debian 12, ${archive}`;

export interface CorpusFile {
  /** Such as `nginx/lib/systemd/system/nginx.service`. */
  readonly file: string;
  /** Such as `nginx.service`. */
  readonly name: string;
  readonly contents: Buffer;
}

/** All regular files of units, drop-ins not among them. */
export function unpackCorpus(context: Pick<TestContext, "after">): readonly CorpusFile[] {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-corpus-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const { status, stderr } = spawnSync("tar", ["-xzf", archive, "-C", directory], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const root = join(directory, "units");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(?:service|socket|timer|path|target|slice|mount|automount)$/.test(file))
    .filter((file) => lstatSync(join(root, file)).isFile())
    .sort()
    .map((file) => ({ file, name: basename(file), contents: readFileSync(join(root, file)) }));
}
