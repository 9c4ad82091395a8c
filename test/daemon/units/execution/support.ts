// Units from text, directories of the test's own in place of the system's, and a host over a fake keeper.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { identityResolver } from "../../../../src/daemon/accounts.js";
import type { Host } from "../../../../src/daemon/constructors/host.js";
import { encode } from "../../../../src/daemon/units/encoded.js";
import { commandSpec } from "../../../../src/daemon/units/execution/command.js";
import type { Places } from "../../../../src/daemon/units/execution/places.js";
import { prepareUnit } from "../../../../src/daemon/units/execution/prepare.js";
import type { CommandRequest, CommandSpec } from "../../../../src/daemon/units/execution/types.js";
import type { UnitData } from "../../../../src/daemon/units/types.js";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Command } from "../../../../systemd-compat/parser/command-line.js";
import { emptySystem, fakeKeeper } from "../../../support/system.js";
import { serviceOf } from "../../../systemd-compat/fixtures.js";

export const isRoot = process.geteuid?.() === 0;
export const needsRoot = { skip: isRoot ? false : "other users' files need root" };

/** What is in no account file of the test's: nobody's. */
export const ada = { uid: 4711, gid: 4712, home: "/home/ada", shell: "/bin/ash" } as const;

const passwd = `root:x:0:0:root:/root:/bin/sh
ada:x:${ada.uid}:${ada.gid}::${ada.home}:${ada.shell}
daemon1:x:4801:4801::/:/usr/sbin/nologin
`;
const group = `root:x:0:
ada:x:${ada.gid}:
readers:x:4800:ada
daemon1:x:4801:
printers:x:4802:
`;

export interface Bench {
  readonly directory: string;
  readonly places: Places;
  readonly host: Host;
  /** What was said to whoever starts the unit. */
  readonly said: string[];
  /** What was reported. */
  readonly lines: readonly string[];
  prepare: (data: UnitData) => ReturnType<typeof prepareUnit>;
  /** What a command of a unit becomes; by default the first of ExecStart=. */
  command: (data: UnitData, request?: Partial<CommandRequest>) => Promise<CommandSpec>;
}

export interface BenchOptions {
  /** The supervisor's own variables. */
  readonly environment?: readonly string[];
  /** Found in the keeper by this daemon. */
  readonly keeper?: ReturnType<typeof fakeKeeper>;
  /** Where the directory of the test is; by default that of temporary files. */
  readonly parent?: string;
}

function temporary(context: TestContext, parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, "shepherd-execution-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function bench(context: TestContext, options: BenchOptions = {}): Bench {
  const directory = temporary(context, options.parent);
  const at = (name: string): string => join(directory, name);
  for (const name of ["run", "etc", "tmp", "var/lib", "var/cache", "var/log", "var/tmp"])
    mkdirSync(at(name), { recursive: true });
  writeFileSync(at("etc/passwd"), passwd);
  writeFileSync(at("etc/group"), group);
  const places: Places = {
    runtime: at("run"),
    state: at("var/lib"),
    cache: at("var/cache"),
    logs: at("var/log"),
    configuration: at("etc"),
    temporary: at("tmp"),
    persistentTemporary: at("var/tmp"),
    own: at("run/socket.units/now"),
    ownIsAlone: true,
    locale: [at("etc/locale.conf")],
    passwd: at("etc/passwd"),
    group: at("etc/group"),
  };
  const { system, lines } = emptySystem(
    options.keeper ?? fakeKeeper(),
    {},
    {
      resolveIdentity: identityResolver(places.passwd, places.group),
      ...(options.environment === undefined ? {} : { environment: options.environment }),
    },
  );
  const { host } = system;
  const said: string[] = [];
  const prepare = (data: UnitData) =>
    prepareUnit(host, serviceName(data), data, (line) => said.push(line), places);
  return {
    directory,
    places,
    host,
    said,
    lines,
    prepare,
    command: async (data, request = {}) =>
      commandSpec(host, await prepare(data), {
        id: `${serviceName(data)}#0.1`,
        command: commandsOf(data, "ExecStart")[0] as Command,
        phase: "start",
        ...request,
      }),
  };
}

export function serviceName({ unit }: UnitData): string {
  return unit.replace(/\.service$/, "");
}

const settingsOf = new WeakMap<UnitData, ServiceSettings>();

/** The data of a unit with these lines in its section [Service]. */
export function unitData(lines: string, more: Partial<UnitData> = {}): UnitData {
  const unit = more.unit ?? "x.service";
  const { service } = serviceOf(lines, unit);
  const data: UnitData = {
    kind: "unit",
    unit,
    files: [`/etc/systemd/system/${unit}`],
    conditions: [],
    asserts: [],
    notApplied: [],
    strict: false,
    sockets: [],
    ...more,
    service: encode(service),
  };
  settingsOf.set(data, service);
  return data;
}

export function commandsOf(
  data: UnitData,
  directive: "ExecStart" | "ExecStartPre" | "ExecReload" | "ExecStop",
): readonly Command[] {
  return settingsOf.get(data)?.[directive] ?? [];
}

/** The environment as a map. */
export function variablesIn({ spec }: CommandSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(
    (spec.environment ?? []).map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
  );
}
