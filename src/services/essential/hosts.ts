// The type of the service that makes `/etc/hosts`.

import { isIP } from "node:net";
import { type Checks, check, checkValue } from "../../daemon/definition/check.js";
import { listOf } from "../../daemon/definition/fields.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { plainFile } from "../files/file-like.js";
import { type EtcEntry, etcServiceType } from "./etc.js";
import { append } from "./lists.js";

/** A line of `/etc/hosts`. */
export interface Host {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly canonicalName: string;
  /** Other names; default none. */
  readonly aliases: readonly string[];
}

const isHostName = (value: unknown): boolean =>
  typeof value === "string" && value.length <= 253 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(value);

const checks: Checks<Host> = {
  address: check<string>(
    "an IPv4 or IPv6 address",
    (value) => typeof value === "string" && isIP(value) !== 0,
  ),
  canonicalName: check<string>("the name of a host", isHostName),
  aliases: listOf<string>("a list of names of hosts", isHostName),
};

const makeHost = recordConstructor<Host, "address" | "canonicalName">("host", checks, { aliases: [] });

/**
 * @example host("192.0.2.1", "build.example.org", ["build"])
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function host(
  address: string,
  canonicalName: string,
  aliases: readonly string[] = [],
): Readonly<Host> {
  return makeHost({ address, canonicalName, aliases });
}

export const hostList = listOf<Host>("a list of hosts made by host(…)", makeHost.isInstance);

/** The machine itself, under `localhost` and its own name. */
export function localHosts(hostName: string): readonly Host[] {
  const aliases = hostName === "localhost" ? [] : [hostName];
  return [host("127.0.0.1", "localhost", aliases), host("::1", "localhost", aliases)];
}

/** Nothing where there are no hosts: a file that a container runtime has made stays. */
function etcEntries(hosts: readonly Host[]): readonly EtcEntry[] {
  if (hosts.length === 0) return [];
  const lines = hosts.map(
    ({ address, canonicalName, aliases }) => `${[address, canonicalName, ...aliases].join("\t")}\n`,
  );
  return [["hosts", plainFile("hosts", lines.join(""), { mode: 0o644 })]];
}

/** The lines of `/etc/hosts`. Its value and its contributions are lists of hosts; without any the file is left alone. */
export const hostsServiceType = serviceType<readonly Host[], readonly Host[], readonly Host[]>({
  name: "etc-hosts",
  extensions: [serviceExtension(etcServiceType, etcEntries)],
  compose: (contributions) =>
    contributions.flatMap((hosts) =>
      checkValue({ what: "service 'etc-hosts'" }, hosts, hostList, "an extension"),
    ),
  extend: append,
  description: "Make /etc/hosts of entries for each host.",
});
