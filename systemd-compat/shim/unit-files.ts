// Units as files, for systemctl's commands that need no daemon: which there are, what they say, and where links are made.

import { userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { findUnit } from "../load.js";
import { systemDirectories, userDirectories } from "../manager-directories.js";
import { isInstance, isTemplate, parseUnitName, templateOf, type UnitName } from "../names.js";
import { type PresetRule, readPresets } from "../presets.js";
import { FileError, RootedFiles } from "../rooted-files.js";
import { systemPresetPath, systemSearchPath, userSearchPath } from "../search-path.js";
import { readSystemFacts } from "../system-facts.js";
import { buildUnit, type Unit, type UnitEnvironment } from "../unit.js";
import { indexUnits, type UnitIndex } from "../unit-index.js";
import type { Scope } from "./options.js";

/** A link in a directory of the search path, or in a `.wants` or `.requires` directory there. */
export interface UnitLink {
  /** The directory of the search path. */
  readonly place: string;
  /** Such as `multi-user.target.wants`; empty: in `place` itself. */
  readonly directory: string;
  readonly name: string;
  /** Where it leads, as an absolute name. */
  readonly target: string;
}

export type Preset = "enabled" | "disabled";

/** The units of a system, or of users. */
export class UnitFiles {
  readonly root: string;
  readonly scope: Scope;
  readonly files: RootedFiles;
  readonly index: UnitIndex;
  readonly links: readonly UnitLink[];
  readonly rules: readonly PresetRule[];
  /** Where links are made that stay, and those that are gone with the next boot. */
  readonly persistent: string;
  readonly volatile: string;
  readonly #environment: UnitEnvironment;
  readonly #units = new Map<string, Promise<Unit>>();

  private constructor(
    base: Pick<
      UnitFiles,
      "root" | "scope" | "files" | "index" | "links" | "rules" | "persistent" | "volatile"
    >,
    environment: UnitEnvironment,
  ) {
    this.root = base.root;
    this.scope = base.scope;
    this.files = base.files;
    this.index = base.index;
    this.links = base.links;
    this.rules = base.rules;
    this.persistent = base.persistent;
    this.volatile = base.volatile;
    this.#environment = environment;
  }

  static async open(
    root: string,
    scope: Scope,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<UnitFiles> {
    const files = new RootedFiles(root);
    const home = environment.HOME ?? userInfo().homedir;
    const runtime = environment.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`;
    const configuration = environment.XDG_CONFIG_HOME ?? `${home}/.config`;
    const path =
      scope === "system"
        ? systemSearchPath
        : scope === "user"
          ? userSearchPath(environment, home)
          : globalSearchPath;
    const places = {
      system: ["/etc/systemd/system", "/run/systemd/system"],
      global: ["/etc/systemd/user", "/run/systemd/user"],
      user: [`${configuration}/systemd/user`, `${runtime}/systemd/user`],
    } as const;
    const [persistent, volatile] = places[scope];
    const index = await indexUnits(files, path);
    const presets =
      scope === "system" ? systemPresetPath : systemPresetPath.map((one) => one.replace("system-", "user-"));
    const base = {
      root,
      scope,
      files,
      index,
      links: await linksOf(files, path),
      rules: (await readPresets(files, presets)).rules,
      persistent,
      volatile,
    };
    const facts = await readSystemFacts(root);
    const directories =
      scope === "user" ? userDirectories(environment, home, process.getuid?.() ?? 0) : systemDirectories;
    return new UnitFiles(base, { facts, directories });
  }

  /** A unit by its name; one without files too, as what it is. */
  load(name: UnitName): Promise<Unit> {
    const known = this.#units.get(name.full);
    if (known !== undefined) return known;
    const unit = findUnit(this.files, this.index, name).then((source) =>
      buildUnit(source, this.#environment),
    );
    this.#units.set(name.full, unit);
    return unit;
  }

  /** Whether a file is in a directory that is gone with the next boot. */
  isVolatile(path: string): boolean {
    return path.startsWith("/run/") || path.startsWith(`${this.volatile}/`);
  }
}

/** The units of all users, which no user has made. */
const globalSearchPath = userSearchPath({}, "/nonexistent").filter(
  (place) => !place.startsWith("/nonexistent"),
);

async function linksOf(files: RootedFiles, path: readonly string[]): Promise<readonly UnitLink[]> {
  const links: UnitLink[] = [];
  const read = async (place: string, directory: string): Promise<readonly string[]> => {
    const inside: string[] = [];
    for (const { name, kind } of await entriesOf(files, join(place, directory))) {
      if (kind === "directory") inside.push(name);
      if (kind !== "link") continue;
      const link = join(place, directory, name);
      const real = await files.real(dirname(link));
      const target = real === undefined ? undefined : await files.linkTarget(join(real, name));
      if (target === undefined) continue;
      const absolute = target.startsWith("/") ? join("/", target) : join(dirname(link), target);
      links.push({ place, directory, name, target: absolute });
    }
    return inside;
  };
  const seen = new Set<string>();
  for (const place of path) {
    // /lib may be another name of /usr/lib.
    const real = (await files.real(place)) ?? place;
    if (seen.has(real)) continue;
    seen.add(real);
    for (const directory of await read(place, ""))
      if (/\.(?:wants|requires)$/.test(directory)) await read(place, directory);
  }
  return links;
}

async function entriesOf(files: RootedFiles, directory: string): ReturnType<RootedFiles["entries"]> {
  try {
    return await files.entries(directory);
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}

/** Whether a link is one by which the template is instantiated. */
export function isInstanceOf(link: string, template: string): boolean {
  const name = parseUnitName(link);
  return name !== undefined && isInstance(name) && templateOf(name)?.full === template;
}

/** The instance that a template has where none is named. */
export function defaultInstanceOf({ install, name }: Unit): UnitName | undefined {
  const instance = install.DefaultInstance;
  if (instance === undefined || instance === "" || !isTemplate(name)) return undefined;
  return parseUnitName(`${name.prefix}@${instance}.${name.type}`);
}

export const lastPart = (path: string): string => basename(path);
