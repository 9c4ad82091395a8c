// Who the processes of a unit run as.

import { readText } from "../../../../systemd-compat/bounded-read.js";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Host } from "../../constructors/host.js";
import type { UnitData } from "../types.js";
import { dynamicIdentity } from "./dynamic-user.js";
import { preparing } from "./failure.js";
import type { Places } from "./places.js";
import type { UnitIdentity } from "./types.js";

/** Bytes of a file of accounts that are read. */
const mostBytes = 16 * 2 ** 20;

/**
 * The ids, and what the environment says of the user.
 * @param service the canonical name of its service, which a dynamic user is given to
 * @throws StartFailure where there is no such user or group
 */
export async function unitIdentity(
  host: Host,
  service: string,
  data: UnitData,
  settings: ServiceSettings,
  places: Places,
): Promise<UnitIdentity> {
  if (settings.DynamicUser === true) {
    const dynamic = await preparing(
      data,
      "DynamicUser=",
      dynamicIdentity(host, service, data.unit, settings, places),
    );
    if (dynamic !== undefined) return dynamic;
  }
  const { User: user, Group: group, SupplementaryGroups: supplementaryGroups } = settings;
  const directive = user === undefined ? (group === undefined ? "SupplementaryGroups=" : "Group=") : "User=";
  const identity = await preparing(
    data,
    directive,
    host.resolveIdentity({
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
      ...(supplementaryGroups === undefined ? {} : { supplementaryGroups }),
    }),
  );
  if (user === undefined) return { ...identity, dynamic: false };
  const name = identity.account?.name ?? user;
  const home = enlightening(identity.account?.home);
  const shell = loginShell(await shellOf(name, places.passwd));
  return {
    ...ids(identity),
    ...(identity.account === undefined ? {} : { account: identity.account }),
    name,
    ...(home === undefined ? {} : { home }),
    ...(shell === undefined ? {} : { shell }),
    dynamic: false,
  };
}

type Ids = Pick<UnitIdentity, "uid" | "gid" | "groups">;

/** A supervisor that is not root can give nobody other ids, and needs not for its own user. */
function ids({ uid, gid, groups }: Ids): Ids {
  const own = process.geteuid?.() ?? 0;
  if (own !== 0 && uid === own) return {};
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(groups === undefined ? {} : { groups }),
  };
}

/** The root directory is nobody's home. */
function enlightening(home: string | undefined): string | undefined {
  return home?.startsWith("/") === true && !/^\/+$/.test(home) ? home : undefined;
}

const noShells: ReadonlySet<string> = new Set(["nologin", "false", "true"]);

/** A program that lets nobody in is no shell to tell of. */
export function loginShell(shell: string | undefined): string | undefined {
  if (shell === undefined || !shell.startsWith("/")) return undefined;
  return noShells.has(shell.slice(shell.lastIndexOf("/") + 1)) ? undefined : shell;
}

async function shellOf(name: string, passwd: string): Promise<string | undefined> {
  const text = (await readText(passwd, mostBytes)) ?? "";
  const line = text.split("\n").find((one) => one.startsWith(`${name}:`));
  const shell = line?.split(":")[6];
  return shell === "" ? undefined : shell;
}
