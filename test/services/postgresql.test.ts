// The services of PostgreSQL: what they run, as whom, with which files; and with the real server: a cluster that is made,
// a start, roles, a stop.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { filePath, plainFile } from "../../src/services/files/file-like.js";
import {
  postgresqlConfigFile,
  postgresqlConfiguration,
  postgresqlServiceType,
} from "../../src/services/postgresql.js";
import { postgresqlConf } from "../../src/services/postgresql-config-file.js";
import {
  postgresqlRole,
  postgresqlRoleConfiguration,
  postgresqlRoleServiceType,
  roleQueries,
} from "../../src/services/postgresql-roles.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { account } from "../support/accounts.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import {
  accountFields,
  described,
  plainSteps,
  systemOf,
  temporaryDirectory,
  textOf,
  usualStop,
} from "./parts.js";

const bin = "/usr/lib/postgresql/15/bin";
const own = { owner: "postgres", group: "postgres" } as const;

describe("postgresqlServiceType", () => {
  it("runs the server as the user postgres, until it says that it accepts connections", () => {
    const file = filePath(postgresqlConf(postgresqlConfigFile()));
    const { files, ...rest } = described(systemOf(service(postgresqlServiceType)).service("postgres"));
    assert.deepEqual(rest, {
      provision: ["postgres", "postgresql"],
      requirement: ["user-processes", "loopback", "syslogd"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the PostgreSQL daemon.",
      start: {
        kind: "forkexec",
        command: [`${bin}/postgres`, "-D", "/var/lib/postgresql/data", `--config-file=${file}`, "-p", "5432"],
        options: {
          ...{ user: "postgres", group: "postgres", logFile: "/var/log/postgresql/postgresql.log" },
          readiness: {
            ...{ type: "command", interval: 0.1, timeout: 5 },
            command: [`${bin}/pg_isready`, "-q", "-h", "/var/run/postgresql", "-p", "5432"],
          },
          readinessTimeout: 600,
        },
      },
      // SIGINT: the fast shutdown.
      stop: { kind: "kill", signal: 2, gracePeriod: 60 },
      actions: ["configuration"],
    });
    assert.equal(files.length, 3);
    assert.ok(files.includes(file));
  });

  it("has the account of Debian's package, directories, and a cluster where there is none", () => {
    const system = systemOf(service(postgresqlServiceType));
    assert.deepEqual(accountFields(system.user("postgres")), {
      group: "postgres",
      system: true,
      comment: "PostgreSQL administrator",
      homeDirectory: "/var/lib/postgresql",
      createHomeDirectory: true,
      shell: "/bin/bash",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.equal(system.group("postgres")?.system, true);
    const [data, sockets, logs, initialise] = plainSteps(system.steps("postgresql"));
    assert.deepEqual(data, { step: "directory", path: "/var/lib/postgresql/data", mode: 0o700, ...own });
    assert.deepEqual(sockets, { step: "directory", path: "/var/run/postgresql", mode: 0o755, ...own });
    assert.deepEqual(logs, { step: "directory", path: "/var/log/postgresql", ...own });
    const { command, ...options } = initialise as { readonly command: readonly string[] };
    assert.deepEqual(options, {
      step: "run",
      unless: "/var/lib/postgresql/data/PG_VERSION",
      ...{ user: "postgres", group: "postgres", timeout: 600 },
    });
    assert.deepEqual(
      [command[0], ...command.slice(2)],
      [
        "/bin/sh",
        "/var/lib/postgresql/data",
        `${bin}/initdb`,
        ...["--locale=C.UTF-8", "--encoding=UTF8", "--auth-local=peer", "--auth-host=scram-sha-256"],
      ],
    );
    assert.ok(system.packages().includes("postgresql"));
  });

  it("leaves out what is not wanted", () => {
    const system = systemOf(
      service(
        postgresqlServiceType,
        postgresqlConfiguration({
          createAccount: false,
          logDirectory: false,
          configFile: postgresqlConfigFile({ socketDirectory: false }),
        }),
      ),
    );
    assert.equal(system.user("postgres"), undefined);
    assert.equal(system.steps("postgresql").length, 2);
    const { start } = described(system.service("postgresql"));
    assert.ok(start?.kind === "forkexec" && start.options.logFile === undefined);
    const { readiness } = start.options;
    assert.deepEqual(typeof readiness === "object" && "command" in readiness && readiness.command.slice(1), [
      "-q",
      "-p",
      "5432",
    ]);
  });

  it("takes numbers of accounts, other places and a file of one's own", () => {
    const own = plainFile("own.conf", "port = 5433\n");
    const system = systemOf(
      service(
        postgresqlServiceType,
        postgresqlConfiguration({
          uid: 970,
          gid: 971,
          dataDirectory: "/srv/pg",
          port: 5433,
          configFile: own,
        }),
      ),
    );
    assert.equal(system.user("postgres")?.uid, 970);
    assert.equal(system.group("postgres")?.id, 971);
    const { start, files } = described(system.service("postgres"));
    assert.deepEqual(start?.kind === "forkexec" && start.command.slice(1), [
      ...["-D", "/srv/pg", `--config-file=${filePath(own)}`, "-p", "5433"],
    ]);
    assert.deepEqual(files, [filePath(own)]);
  });
});

describe("postgresql.conf", () => {
  it("has settings as the server reads them, those that were added last", () => {
    const configuration = postgresqlConfigFile({
      hbaFile: "/etc/hba",
      identFile: "/etc/ident",
      extraConfig: {
        work_mem: "500 MB",
        logging_collector: true,
        random_page_cost: 1.5,
        search_path: "it's \\x",
      },
    });
    assert.equal(
      textOf(postgresqlConf(configuration)),
      "log_destination = 'syslog'\nhba_file = '/etc/hba'\nident_file = '/etc/ident'\n" +
        "unix_socket_directories = '/var/run/postgresql'\nwork_mem = '500 MB'\nlogging_collector = on\n" +
        "random_page_cost = 1.5\nsearch_path = 'it''s \\\\x'\n",
    );
  });
});

describe("postgresqlRoleServiceType", () => {
  it("runs psql once PostgreSQL runs", () => {
    const role = postgresqlRole({ name: "blog", createDatabase: true });
    const system = systemOf(
      simpleService("blog-role", postgresqlRoleServiceType, [role]),
      service(postgresqlServiceType),
    );
    const queries = filePath(roleQueries([role]));
    assert.deepEqual(described(system.service("postgres-roles")), {
      provision: ["postgres-roles"],
      requirement: ["user-processes", "postgres"],
      oneShot: true,
      respawn: true,
      autoStart: true,
      documentation: "Create PostgreSQL roles.",
      start: {
        kind: "system",
        command:
          `exec ${bin}/psql --no-psqlrc --echo-all --set=ON_ERROR_STOP=1 --host=/var/run/postgresql --port=5432 ` +
          `--dbname=postgres --file=${queries}`,
        options: { user: "postgres", group: "postgres", logFile: "/var/log/postgresql_roles.log" },
      },
      stop: usualStop,
      actions: [],
      files: [queries],
    });
  });

  it("adds roles of extensions to its own", () => {
    const [first, second] = [postgresqlRole({ name: "a" }), postgresqlRole({ name: "b", permissions: [] })];
    const { files } = described(
      systemOf(
        simpleService("b", postgresqlRoleServiceType, [second]),
        service(postgresqlRoleServiceType, postgresqlRoleConfiguration({ roles: [first] })),
      ).service("postgres-roles"),
    );
    assert.deepEqual(files, [filePath(roleQueries([first, second]))]);
  });

  it("quotes names, which may be anything", () => {
    const text = textOf(
      roleQueries([postgresqlRole({ name: `o'neil "x"`, permissions: ["login", "superuser"] })]),
    );
    assert.match(text, /rolname = 'o''neil "x"'\)/);
    assert.match(text, /CREATE ROLE "o'neil ""x""" WITH LOGIN SUPERUSER;/);
  });
});

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "a port of 0",
    () => postgresqlConfiguration({ port: 0 }),
    /postgresqlConfiguration: field "port": expected a port from 1 to 65535, got 0/,
  ],
  [
    "a relative directory",
    () => postgresqlConfiguration({ dataDirectory: "data" }),
    /field "dataDirectory": expected an absolute file name/,
  ],
  [
    "a directory that leads elsewhere",
    () => postgresqlConfiguration({ dataDirectory: "/srv/../etc" }),
    /field "dataDirectory": expected/,
  ],
  [
    "a locale with a space",
    () => postgresqlConfiguration({ locale: "C -x" }),
    /field "locale": expected a word/,
  ],
  [
    "an unknown field",
    () => postgresqlConfiguration(untyped({ dataDir: "/srv" })),
    /unknown field "dataDir"/,
  ],
  [
    "a configuration that is no record",
    () => postgresqlConfiguration(untyped({ configFile: {} })),
    /field "configFile": expected a record made by postgresqlConfigFile/,
  ],
  [
    "a setting with another line",
    () => postgresqlConfigFile({ extraConfig: { work_mem: "1\nfsync = off" } }),
    /postgresqlConfigFile: field "extraConfig": expected a record of settings/,
  ],
  [
    "a setting's name with a space",
    () => postgresqlConfigFile({ extraConfig: { "work mem": 1 } }),
    /field "extraConfig"/,
  ],
  [
    "a role's name that is cut",
    () => postgresqlRole({ name: "x".repeat(64) }),
    /postgresqlRole: field "name": expected a name of 1 to 63 bytes/,
  ],
  [
    "an unknown permission",
    () => postgresqlRole(untyped({ name: "x", permissions: ["all"] })),
    /field "permissions": expected a list of "bypassrls"/,
  ],
  [
    "a relative password file",
    () => postgresqlRole({ name: "x", passwordFile: "secret" }),
    /field "passwordFile": expected an absolute file name/,
  ],
  [
    "a password file whose name a shell would read",
    () => postgresqlRole({ name: "x", passwordFile: "/a'b" }),
    /field "passwordFile"/,
  ],
];

describe("PostgreSQL's configuration refuses", () => {
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});

const missing = existsSync(`${bin}/postgres`)
  ? undefined
  : `${bin}/postgres is not installed (package postgresql)`;
const isRoot = process.getuid?.() === 0;

/** A directory that the user postgres can reach, and its data directory. */
async function place(t: TestContext) {
  const directory = await temporaryDirectory(t);
  await chmod(directory, 0o755);
  const { uid, gid } = account("postgres");
  const data = join(directory, "data");
  await mkdir(data, { mode: 0o700 });
  await chown(data, uid, gid);
  const as = (program: string, ...args: string[]) =>
    run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, ...args]);
  const script = join(directory, "initialise");
  const [, , , step] = systemOf(service(postgresqlServiceType)).steps("postgresql");
  assert.ok(step?.step === "run");
  await writeFile(script, textOf(step.command[1]));
  const options = step.command.slice(3).map((word) => filePath(word));
  const initialise = () => as("/bin/sh", script, data, ...options);
  return { directory, data, as, initialise };
}

describe("a cluster", () => {
  it("is made, also where making it was interrupted, and never where there is something else", async (t) => {
    if (missing !== undefined) return t.skip(missing);
    if (!isRoot) return t.skip("only root becomes the user postgres");
    const { data, as, initialise } = await place(t);
    // As an interrupted run leaves it.
    await as(
      "/bin/sh",
      "-c",
      `cd ${data}; : >.initialising; mkdir .cluster base; : >.cluster/PG_VERSION; : >base/1`,
    );
    const { status, stderr } = await initialise();
    assert.equal(status, 0, stderr);
    const entries = await readdir(data);
    assert.ok(entries.includes("base") && entries.includes("global") && entries.includes("PG_VERSION"));
    assert.ok(!entries.some((name) => name.startsWith(".")), entries.join(" "));
    assert.equal(await readFile(join(data, "PG_VERSION"), "utf8"), "15\n");
    const again = await initialise();
    assert.equal(again.status, 1);
    assert.match(again.stderr, /data: neither empty nor a database cluster/);
  });

  it("is served, has roles made in it, and is shut down", async (t) => {
    if (missing !== undefined) return t.skip(missing);
    if (!isRoot) return t.skip("only root becomes the user postgres");
    const { directory, data, as, initialise } = await place(t);
    assert.equal((await initialise()).status, 0);
    const { uid, gid } = account("postgres");
    const sockets = join(directory, "sockets");
    await mkdir(sockets);
    await chown(sockets, uid, gid);
    // The defaults, but for addresses that others might use.
    const put = async (name: string, text: string) => {
      await writeFile(join(directory, name), text);
      return join(directory, name);
    };
    const { hbaFile, identFile } = postgresqlConfigFile();
    const conf = await put(
      "postgresql.conf",
      textOf(
        postgresqlConf(
          postgresqlConfigFile({
            logDestination: "stderr",
            hbaFile: await put("hba", textOf(hbaFile)),
            identFile: await put("ident", textOf(identFile)),
            socketDirectory: sockets,
            extraConfig: { listen_addresses: "", log_statement: "all" },
          }),
        ),
      ),
    );
    const server = spawn(`${bin}/postgres`, ["-D", data, `--config-file=${conf}`, "-p", "5439"], {
      uid,
      gid,
    });
    let log = "";
    for (const stream of [server.stdout, server.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
    const ended = new Promise<number | null>((resolve) => server.on("close", resolve));
    t.after(async () => {
      server.kill("SIGQUIT");
      await ended;
    });
    await waitFor(
      "the server is ready",
      async () => (await run(`${bin}/pg_isready`, ["-q", "-h", sockets, "-p", "5439"])).status === 0,
      () => log,
    );

    const password = await put("password", "s3cr'et\n");
    await chown(password, uid, gid);
    const shell = (roles: Parameters<typeof roleQueries>[0]) =>
      shellCommandOf(directory, sockets, roles, put).then((command) => as("/bin/sh", "-c", command));
    const roles = [
      postgresqlRole({ name: "blog", createDatabase: true, passwordFile: password }),
      postgresqlRole({
        name: `o'neil "x"`,
        permissions: ["login", "createrole"],
        createDatabase: true,
        template: "template0",
        encoding: "UTF8",
        collation: "C",
        ctype: "C",
      }),
    ];
    await chmod(password, 0o604);
    const refused = await shell(roles);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /password: everybody may read or change this password/);
    await chmod(password, 0o600);
    // Twice: the second run finds all of it.
    for (let time = 0; time < 2; time += 1) {
      const { status, stdout, stderr } = await shell(roles);
      assert.equal(status, 0, stderr);
      assert.ok(!stdout.includes("s3cr"));
    }
    const query = async (text: string) =>
      (await as(`${bin}/psql`, "-X", "-A", "-t", "-h", sockets, "-p", "5439", "-d", "postgres", "-c", text))
        .stdout;
    assert.equal(
      await query(
        "SELECT rolname, rolcreatedb, rolcanlogin, rolcreaterole, rolsuper FROM pg_roles WHERE rolname !~ '^pg_|postgres' ORDER BY 1",
      ),
      `blog|t|t|f|f\no'neil "x"|f|t|t|f\n`,
    );
    assert.equal(
      await query(
        "SELECT datname, pg_get_userbyid(datdba), datcollate FROM pg_database WHERE datname !~ '^template|postgres' ORDER BY 1",
      ),
      `blog|blog|C.UTF-8\no'neil "x"|o'neil "x"|C\n`,
    );
    assert.equal(
      await query("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'blog'"),
      "t\n",
    );
    await writeFile(password, "");
    const empty = await shell(roles);
    assert.equal(empty.status, 1);
    assert.match(empty.stderr, /expected a file with a password that postgres can read/);

    server.kill("SIGINT");
    assert.equal(await ended, 0);
    assert.match(log, /received fast shutdown request[\s\S]*database system is shut down/);
    assert.ok(!log.includes("s3cr"), "the password is in the server's log");
  });
});

/** The command of the service, with its file put where the test may. */
async function shellCommandOf(
  directory: string,
  host: string,
  roles: Parameters<typeof roleQueries>[0],
  put: (name: string, text: string) => Promise<string>,
): Promise<string> {
  const configuration = postgresqlRoleConfiguration({ host, port: 5439, roles });
  const { start } = described(
    systemOf(service(postgresqlRoleServiceType, configuration)).service("postgres-roles"),
  );
  assert.ok(start?.kind === "system");
  const queries = roleQueries(roles);
  await put("roles.sql", textOf(queries));
  return start.command.replaceAll(filePath(queries), join(directory, "roles.sql"));
}
