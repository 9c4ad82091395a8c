// The service `web`: pages that show the system and steer it, metrics, and health checks, over HTTP.

import { dirname, join } from "node:path";
import {
  type Endpoint,
  endpoint,
  makeSystemdConstructor,
  makeSystemdDestructor,
  type ServiceDefinition,
  service,
  supervisorFiles,
} from "../../daemon/core.js";
import { type Checks, check, checkFields, fail } from "../../daemon/definition/check.js";
import { addressText } from "../../daemon/definition/endpoint.js";
import { fields, hidden, isCount, listOf } from "../../daemon/definition/fields.js";
import { isToken, tokenRule } from "../../web/token-rule.js";

/** What `webService` takes. */
export interface WebOptions {
  /** The service's names, of which the first is the canonical one; default `["web"]`. */
  readonly provision?: readonly string[];
  /** What must run before it; default none. */
  readonly requirement?: readonly string[];
  /**
   * Where it listens: an address of loopback, such as `"127.0.0.1:7680"`, the default, or `"[::1]:7680"`; or a Unix socket,
   * an absolute name. Or several of them. Whoever is to reach it from elsewhere comes through a proxy, or ssh.
   */
  readonly listen?: string | readonly string[];
  /** What everybody who asks must know; default: what is in `tokenFile`. Others of the user's programs can see it in /proc. */
  readonly token?: string;
  /** A file with the token, for the service's user alone; default: one is made beside the control socket, `NAME-token`. */
  readonly tokenFile?: string;
  /** More names, without ports, under which it may be asked for, such as a proxy's; default: those of loopback. */
  readonly hosts?: readonly string[];
  /** How many connections there may be at a time at each address: 4 to 1000; default 64. */
  readonly maxClients?: number;
}

const defaultAddress = "127.0.0.1:7680";

const checks: Checks<WebOptions> = {
  provision: fields.provision,
  requirement: fields.names,
  listen: check(
    "an address, or a list of at least one",
    (value) => typeof value === "string" || isTexts(value),
  ),
  token: hidden(check<string>(`a token of ${tokenRule}`, isToken)),
  tokenFile: fields.absoluteFile,
  hosts: listOf<string>(
    "a list of host names without ports",
    (value) => typeof value === "string" && /^(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)$/i.test(value),
  ),
  maxClients: check("a number from 4 to 1000", (value) => isCount(value) && value >= 4 && value <= 1000),
};

function isTexts(value: unknown): boolean {
  return listOf<string>("", (item) => typeof item === "string", 1).matches(value);
}

/**
 * The service `web`, which shows the system in a browser: what runs, why what does not is down, what requires what, timers, logs
 * as they are written; and has buttons to start, stop and restart services. `/metrics` is for Prometheus, `/healthz` and
 * `/readyz` for whoever asks whether all is well. Nothing but those two is told without the token. Its program is started by
 * the first connection, and is a client of the supervisor's as `herd` is.
 *
 * @example webService({ listen: "/run/shepherd/web", tokenFile: "/etc/shepherd/web-token" })
 * @throws DefinitionError where an option is not what it should be
 */
export function webService(options: WebOptions = {}): ServiceDefinition {
  const of = { what: "webService" };
  const {
    provision = ["web"],
    requirement = [],
    listen = defaultAddress,
    token,
    tokenFile,
    hosts = [],
    maxClients = 64,
  } = checkFields(of, options, checks);
  if (token !== undefined && tokenFile !== undefined)
    fail(of, 'fields "token" and "tokenFile": leave out one of them');
  const { controlSocket, node, programs } = supervisorFiles();
  const [name = "web"] = provision;
  const own = join(dirname(controlSocket), `${name}-token`);
  const file = tokenFile ?? own;
  const endpoints = (typeof listen === "string" ? [listen] : listen).map((address, index) =>
    ownEndpoint(address, `http-${index + 1}`),
  );
  const whose = tokenFile === undefined ? "own" : "given";
  const where = token === undefined ? `The token is in ${file}.` : "The token is the configuration's.";
  return service([...provision], {
    documentation: `Show and steer the system in a browser, at ${endpoints.map(({ address }) => addressText(address)).join(" and ")}. ${where}`,
    requirement: [...requirement],
    respawn: true,
    start: makeSystemdConstructor(
      [node, join(programs, "web.cjs"), controlSocket, file, whose, String(maxClients), ...hosts],
      endpoints,
      {
        ...(token === undefined ? {} : { extraEnvironmentVariables: { SHEPHERD_WEB_TOKEN: token } }),
        ...(tokenFile === undefined ? {} : { secretFiles: [tokenFile] }),
      },
    ),
    stop: makeSystemdDestructor(),
  });
}

/** Of this machine only: what we say is not encrypted. */
function ownEndpoint(text: string, name: string): Endpoint {
  const isSocketFile = text.startsWith("/");
  const one = endpoint(text, {
    name,
    ...(isSocketFile ? { socketPermissions: 0o600, socketDirectoryPermissions: 0o700 } : {}),
  });
  const { address } = one;
  const isLoopback =
    (address.family === "ipv4" && address.host.startsWith("127.")) ||
    (address.family === "ipv6" && /^(0*:)+0*1$/.test(address.host));
  if (isSocketFile || isLoopback) return one;
  return fail(
    { what: "webService" },
    `field "listen": expected an address of loopback or an absolute file name, got "${text}"; put a proxy that speaks TLS before it`,
  );
}
