// Seed 001, "Хранилище": the client of the build daemon, with sessions that were recorded with Guix's and, where it is there,
// with Debian's nix-daemon.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, realpathSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, type TestContext } from "node:test";
import { type Endpoint, resolveEndpoint } from "../../src/store/endpoint.js";
import * as store from "../../src/store/index.js";
import { untyped } from "../daemon/definition/support.js";
import { fakeDaemon, Peer } from "../store/fake-daemon.js";
import { type NixDaemon, startNixDaemon, withoutNix } from "../store/nix-daemon.js";
import { type Step, sessionOf, withoutTranscripts } from "../store/transcripts.js";
import { Seed, type TestBody } from "./seed.js";

const defaultSocket = "/var/guix/daemon-socket/socket";
const hello = "/gnu/store/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt";
const absent = "/gnu/store/00000000000000000000000000000000-x";

/** Guix's daemon, as it answered in a session: what arrives must be, byte for byte, what was sent then. */
async function replay(peer: Peer, steps: readonly Step[]): Promise<void> {
  const hear = async (bytes: string, step: string): Promise<void> =>
    assert.equal((await peer.take(bytes.length / 2)).toString("hex"), bytes, step);
  const say = (bytes: string): void => peer.send(Buffer.from(bytes, "hex"));
  for (const { step, client, daemon } of steps) {
    // Both take turns at first: eight bytes from the client, and sixteen from the daemon.
    const [ours, theirs] = step === "handshake" ? [16, 32] : [0, 0];
    await hear(client.slice(0, ours), step);
    say(daemon.slice(0, theirs));
    await hear(client.slice(ours), step);
    say(daemon.slice(theirs));
  }
}

/** A connection to Guix's daemon in the first steps, or those of the given names, of a recorded session. */
async function guix(
  t: TestContext,
  session: string,
  steps: readonly string[],
  options: store.ConnectionOptions = {},
): Promise<store.StoreConnection> {
  const chosen = sessionOf(session).filter(({ step }) => step === "handshake" || steps.includes(step));
  const { socket } = await fakeDaemon(t, (peer) => replay(peer, chosen));
  const connection = await store.openConnection(socket, options);
  t.after(() => store.closeConnection(connection));
  return connection;
}

/** A body that needs the recorded sessions. */
const recorded =
  (body: TestBody): TestBody =>
  (t) =>
    withoutTranscripts === false ? body(t) : t.skip(withoutTranscripts);

/** Calls `body` with GUIX_DAEMON_SOCKET set to that, or not at all. */
async function withVariable<T>(value: string | undefined, body: () => Promise<T>): Promise<T> {
  const before = process.env.GUIX_DAEMON_SOCKET;
  const set = (text: string | undefined): void => {
    if (text === undefined) delete process.env.GUIX_DAEMON_SOCKET;
    else process.env.GUIX_DAEMON_SOCKET = text;
  };
  set(value);
  try {
    return await body();
  } finally {
    set(before);
  }
}

/** Where a connection is attempted that cannot be made. */
async function peerOf(uri?: string): Promise<string> {
  const error: unknown = await store.openConnection(uri).then(
    (connection) => store.closeConnection(connection),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof store.StoreConnectionError, String(error));
  return error.file;
}

describe("seed 001", () => {
  const seed = new Seed("001");

  describe("where the daemon is", () => {
    seed.says(
      "Если установлено, значение этой переменной должно быть именем файла или URI, обозначающим конечную точку демона. Когда это имя файла, оно обозначает сокет домена Unix, к которому нужно подключиться.",
      "GUIX_DAEMON_SOCKET, a file name and a URI",
      async (t) => {
        const { socket } = await fakeDaemon(t, (peer) => peer.greet());
        for (const value of [socket, `file://${socket}`, `unix:${socket}`]) {
          const connection = await withVariable(value, () => store.openConnection());
          assert.equal(connection.peer, `the daemon at ${socket}`);
          await store.closeConnection(connection);
        }
      },
    );
    seed.says(
      "По умолчанию open-connection и, следовательно, все команды guix подключаются к локальному демону или к URI, указанному в переменной среды GUIX_DAEMON_SOCKET.",
      "an argument comes before the variable, and the local daemon after it",
      async () => {
        assert.equal(
          await withVariable("/nonexistent/of-variable", () => peerOf("/nonexistent/given")),
          "/nonexistent/given",
        );
        assert.equal(
          await withVariable("/nonexistent/of-variable", () => peerOf()),
          "/nonexistent/of-variable",
        );
      },
    );
    seed.says(
      "file по умолчанию - %default-socket-path, что является обычным расположением с учетом параметров, переданных в configure.",
      defaultSocket,
      async (t) => {
        if (await isThere(defaultSocket)) return t.skip(`there is a daemon at ${defaultSocket}`);
        assert.equal(await withVariable(undefined, () => peerOf()), defaultSocket);
      },
    );

    const uris: readonly (readonly [quotation: string, uri: string, endpoint: Endpoint])[] = [
      [
        "file:///var/guix/daemon-socket/socket эквивалентен /var/guix/daemon-socket/socket.",
        "file:///var/guix/daemon-socket/socket",
        { kind: "unix", file: defaultSocket },
      ],
      ["эквивалентен /var/guix/daemon-socket/socket", defaultSocket, { kind: "unix", file: defaultSocket }],
      [
        "file\nunix\n\nЭто для сокетов домена Unix.",
        `unix://${defaultSocket}`,
        { kind: "unix", file: defaultSocket },
      ],
      [
        "guix://master.guix.example.org:1234",
        "guix://master.guix.example.org:1234",
        { kind: "tcp", host: "master.guix.example.org", port: 1234 },
      ],
      [
        "В URI необходимо указать имя хоста и, возможно, номер порта (по умолчанию используется порт 44146)",
        "guix://master.guix.example.org",
        { kind: "tcp", host: "master.guix.example.org", port: 44146 },
      ],
      [
        "ssh://charlie@guix.example.org:22",
        "ssh://charlie@guix.example.org:22",
        { kind: "ssh", host: "guix.example.org", user: "charlie", port: 22 },
      ],
    ];
    for (const [quotation, uri, endpoint] of uris)
      seed.says(quotation, `${uri} is ${Object.values(endpoint).join(" ")}`, () =>
        assert.deepEqual(resolveEndpoint(uri), endpoint),
      );
    seed.says(
      "Эти URI обозначают соединения через TCP/IP без шифрования и аутентификации удаленного хоста.",
      "a connection by TCP",
      async (t) => {
        const server = createServer((socket) => void new Peer(socket).greet());
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        t.after(() => server.close());
        const { port } = server.address() as AddressInfo;
        const connection = await store.openConnection(`guix://127.0.0.1:${port}`);
        assert.equal(connection.closed, false);
        await store.closeConnection(connection);
      },
    );
    seed.says(
      "В будущем могут поддерживаться дополнительные схемы URI.",
      "another scheme is an error that names the URI",
      async () =>
        assert.rejects(store.openConnection("https://guix.example.org/"), {
          name: "StoreConnectionError",
          code: "ENOTSUP",
          file: "https://guix.example.org/",
        }),
    );
  });

  describe("connections", () => {
    seed.says(
      "Scheme Procedure: open-connection [uri] [#:reserve-space? #t]",
      "space is reserved by default: the bytes are those of Guix's client",
      recorded(async (t) => {
        const connection = await guix(t, "basic", []);
        assert.deepEqual(connection.versions, { daemon: 0x163, client: 0x163, minor: 0x63, nix: false });
        await guix(t, "basic", [], { reserveSpace: true });
      }),
    );
    seed.says(
      "Когда reserve-space? истинна, указать ему, чтобы он зарезервировал немного дополнительного места в файловой системе, чтобы сборщик мусора мог работать, если диск заполнится. Вернуть объект сервера.",
      "false: the daemon is told otherwise",
      recorded(async (t) => {
        const connection = await guix(t, "no-reserve", ["valid"], { reserveSpace: false });
        assert.equal(await store.validPath(connection, absent), false);
      }),
    );
    seed.says(
      "Scheme Procedure: close-connection server\n\nЗакрыть соединение с server.",
      "it is closed",
      async (t) => {
        const daemon = await fakeDaemon(t, (peer) => peer.greet());
        const connection = await store.openConnection(daemon.socket);
        await store.closeConnection(connection);
        assert.equal(connection.closed, true);
        await daemon.peers[0]?.closed();
        await assert.rejects(store.validPath(connection, absent), { name: "StoreConnectionError" });
      },
    );
    seed.says(
      "Процедуры, которые заставляют все RPC принимать объект сервера в качестве своего первого аргумента.",
      "anything else is refused",
      async () => {
        for (const call of [
          () => store.validPath(untyped("server"), absent),
          () => store.addTextToStore(untyped({}), "name", "text"),
          () => store.buildDerivations(untyped(undefined), []),
          () => store.references(untyped(null), absent),
          () => store.builtInBuilders(untyped(1)),
          () => store.substituteUrls(untyped(1)),
          () => store.queryFailedPaths(untyped(1)),
          () => store.derivation(untyped(1), "name", "/bin/sh"),
          () => store.queryPathInfo(untyped({ versions: {} }), absent),
        ])
          await assert.rejects(async () => await call(), /expected a store connection, got /);
      },
    );
    seed.says("по умолчанию /gnu/store", "the store's directory, by default", async (t) => {
      const { socket } = await fakeDaemon(t, (peer) => peer.greet());
      await using connection = await store.openConnection(socket);
      assert.equal(connection.storeDirectory, process.env.NIX_STORE_DIR ?? "/gnu/store");
    });
  });

  describe("procedures, as Guix's daemon answers them", () => {
    seed.says(
      "Scheme Procedure: valid-path? server path\n\nВозвращать #t, когда path обозначает допустимый элемент хранилища, и #f в противном случае",
      "true and false",
      recorded(async (t) => {
        const connection = await guix(t, "basic", ["valid-path? (absent)", "valid-path? a"]);
        assert.equal(await store.validPath(connection, absent), false);
        assert.equal(await store.validPath(connection, hello), true);
      }),
    );
    seed.says(
      "Условие &store-protocol-error возникает, если path не имеет префикса в каталоге store (/gnu/store).",
      "StoreProtocolError, with the daemon's message and its status; the connection lives on",
      recorded(async (t) => {
        const connection = await guix(t, "basic", ["valid-path? (not in store)", "valid-path? (absent)"]);
        await assert.rejects(store.validPath(connection, "/etc/passwd"), (error: unknown) => {
          assert.ok(error instanceof store.StoreProtocolError);
          assert.equal(error.message, "path `/etc/passwd' is not in the store");
          assert.equal(error.status, 1);
          return true;
        });
        assert.equal(await store.validPath(connection, absent), false);
      }),
    );
    seed.says(
      "Scheme Procedure: add-text-to-store server name text [references]\n\nДобавить text в файл name в store и вернуть его store path.",
      "the name of the new item",
      recorded(async (t) => {
        const connection = await guix(t, "basic", ["add-text-to-store hello"]);
        assert.equal(await store.addTextToStore(connection, "hello.txt", "Hello, store!\n"), hello);
      }),
    );
    seed.says(
      "references - это список store path’ы, на которые ссылается конечный store path.",
      "they are part of its name, and what the daemon tells",
      recorded(async (t) => {
        const connection = await guix(t, "basic", ["add-text-to-store refs", "query-references b"]);
        const text = `see ${hello}\n`;
        const item = await store.addTextToStore(connection, "ref.txt", text, [hello]);
        assert.equal(item, "/gnu/store/mhyabhh3zla57y7vnq2c0ywk8kmnzs5g-ref.txt");
        assert.deepEqual(await store.references(connection, item), [hello]);
        assert.equal(store.textPath("/gnu/store", "ref.txt", text, [hello]), item);
        assert.notEqual(store.textPath("/gnu/store", "ref.txt", text), item);
      }),
    );
    seed.says(
      "Эта переменная привязана к параметру SRFI-39, который относится к порту, на который должны быть записаны журналы сборки и ошибок, отправляемые демоном.",
      "current-build-output-port gets the log of a build, and what the daemon says of one that failed",
      recorded(async (t) => {
        const connection = await guix(t, "build", ["build normal", "build fail"]);
        let log = "";
        const port = (text: string): void => {
          log += text;
        };
        const [drv, failing] = [
          "/gnu/store/vgfbvi5br1v2jd20g6qf4a5hxmxhy5vi-hello.drv",
          "/gnu/store/kz04n6wc46mnrdwaasvq0brvip00abyy-fail.drv",
        ];
        await store.currentBuildOutputPort.with(port, async () => {
          assert.equal(await store.buildDerivations(connection, [drv]), true);
          assert.match(log, /^building path\(s\) `\/gnu\/store\/[^']*-hello'\nbuilding\n$/);
          await assert.rejects(store.buildDerivations(connection, [failing]), {
            name: "StoreProtocolError",
            message: `build of \`${failing}' failed`,
            status: 100,
          });
        });
        assert.match(log, /\noops\nbuilder for `.*-fail\.drv' failed with exit code 3\n$/);
        assert.equal(store.currentBuildOutputPort(), process.stderr);
      }),
    );
  });

  describe("with nix-daemon", { skip: withoutNix }, () => {
    let daemon: NixDaemon;
    before(async () => {
      daemon = await startNixDaemon();
    });
    after(() => daemon.stop());

    seed.says(
      "Scheme Procedure: lookup-inferior-packages inferior name [mode] Собрать derivations, список объектов <derivation>,\n\nимен файлов .drv или пар derivation/output, используя указанный mode(build-mode normal) по умолчанию.",
      "build-derivations: all three, and modes; the procedure's name is misprinted",
      async (t) => {
        const { storeDirectory } = daemon;
        let log = "";
        const connection = await store.openConnection(daemon.socket, {
          storeDirectory,
          buildOutputPort: (text) => {
            log += text;
          },
        });
        t.after(() => store.closeConnection(connection));
        const sh = await store.addToStore(connection, "sh", true, "sha256", realpathSync("/bin/sh"));
        const derive = (name: string): Promise<store.Derivation> =>
          store.derivation(connection, name, sh, ["-c", `echo ${name} is built; echo ${name} > $out`], {
            sources: [sh],
          });
        const [object, file, pair] = [await derive("object"), await derive("file"), await derive("pair")];
        assert.equal(await store.buildDerivations(connection, [object, file.fileName, [pair, "out"]]), true);
        for (const [name, derivation] of Object.entries({ object, file, pair })) {
          const item = store.derivationToOutputPath(derivation);
          assert.ok(item !== undefined);
          assert.equal(readFileSync(item, "utf8"), `${name}\n`);
          assert.equal(await store.validPath(connection, item), true);
          assert.match(log, new RegExp(`^${name} is built$`, "m"));
        }
        // What is there is not built again, unless that is what is asked for.
        log = "";
        await store.buildDerivations(connection, [object]);
        assert.doesNotMatch(log, /is built/);
        await store.buildDerivations(connection, [object], "check");
        assert.match(log, /^object is built$/m);
      },
    );
    seed.says(
      "(недопустимый элемент может существовать на диске, но по-прежнему быть недопустимым, например, потому что он является результатом прерывания или неудачной сборки).",
      "an item that a failed build has left is not valid",
      async (t) => {
        const connection = await store.openConnection(daemon.socket, {
          storeDirectory: daemon.storeDirectory,
          buildOutputPort: () => undefined,
        });
        t.after(() => store.closeConnection(connection));
        const sh = await store.addToStore(connection, "sh", true, "sha256", realpathSync("/bin/sh"));
        const failing = await store.derivation(
          connection,
          "failing",
          sh,
          ["-c", "echo half > $out; exit 1"],
          {
            sources: [sh],
          },
        );
        await assert.rejects(store.buildDerivations(connection, [failing]), { status: 100 });
        const item = store.derivationToOutputPath(failing);
        assert.ok(item !== undefined);
        assert.equal(await store.validPath(connection, item), false);
      },
    );
  });

  seed.hasNoOther("procedure, variable or URI", 8, [
    /^(?:Scheme (?:Procedure|Variable)|Environment Variable): (?!current-build|GUIX_DAEMON).*$/gm,
    /\b(?:file|guix|ssh):\/\/\S+/g,
  ]);
});

async function isThere(socket: string): Promise<boolean> {
  return await store.openConnection(socket).then(
    async (connection) => {
      await store.closeConnection(connection);
      return true;
    },
    () => false,
  );
}
