// The service of nginx: what it runs, as whom, with which files; the configuration that is generated, and nginx's opinion.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { fileAppend, filePath, plainFile } from "../../src/services/files/file-like.js";
import { nginx } from "../../src/services/files/packages.js";
import {
  nginxConfiguration,
  nginxLocation,
  nginxServer,
  nginxServiceType,
  nginxUpstream,
} from "../../src/services/nginx.js";
import { nginxConf, temporaryDirectories } from "../../src/services/nginx-config.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { run } from "../support/run.js";
import { accountFields, described, plainSteps, systemOf, temporaryDirectory, textOf } from "./parts.js";

const full = nginxConfiguration({
  logLevel: "warn",
  modules: ["ngx_http_echo_module.so"],
  globalDirectives: { worker_processes: "2", events: { worker_connections: "512" } },
  serverNamesHashBucketSize: 128,
  serverNamesHashBucketMaxSize: 1024,
  upstreamBlocks: [
    nginxUpstream({
      name: "application",
      servers: ["127.0.0.1:8080 weight=2", "unix:/run/application"],
      extraContent: ["keepalive 4;"],
    }),
  ],
  serverBlocks: [
    nginxServer({
      listen: ["127.0.0.1:8081", "[::1]:8081 default_server"],
      serverName: ["www.example.org", "*.example.net"],
      root: "/srv/www",
      index: ["index.html", "index.txt"],
      tryFiles: ["$uri", "@application"],
      serverTokens: true,
      locations: [
        nginxLocation({ uri: "@application", body: ["proxy_pass http://application;"] }),
        nginxLocation({ uri: "~ \\.php$", body: ["return 404;"] }),
        nginxLocation({ uri: "= /echo", body: ["echo hello;"] }),
      ],
      rawContent: ["client_max_body_size 1m;"],
    }),
    nginxServer({ listen: ["127.0.0.1:8082"] }),
  ],
  extraContent: ["gzip on;"],
});

const fullText = `user www-data www-data;
pid /var/run/nginx/pid;
error_log /var/log/nginx/error.log warn;
load_module modules/ngx_http_echo_module.so;
worker_processes 2;
events {
    worker_connections 512;
}
http {
    client_body_temp_path /var/run/nginx/client_body_temp;
    proxy_temp_path /var/run/nginx/proxy_temp;
    fastcgi_temp_path /var/run/nginx/fastcgi_temp;
    uwsgi_temp_path /var/run/nginx/uwsgi_temp;
    scgi_temp_path /var/run/nginx/scgi_temp;
    access_log /var/log/nginx/access.log;
    include /etc/nginx/mime.types;
    server_names_hash_bucket_size 128;
    server_names_hash_max_size 1024;
    upstream application {
        server 127.0.0.1:8080 weight=2;
        server unix:/run/application;
        keepalive 4;
    }
    server {
        listen 127.0.0.1:8081;
        listen [::1]:8081 default_server;
        server_name www.example.org *.example.net;
        root /srv/www;
        index index.html index.txt;
        try_files $uri @application;
        server_tokens on;
        location @application {
            proxy_pass http://application;
        }
        location ~ \\.php$ {
            return 404;
        }
        location = /echo {
            echo hello;
        }
        client_max_body_size 1m;
    }
    server {
        listen 127.0.0.1:8082;
        server_name _;
        root /srv/http;
        index index.html;
        server_tokens off;
    }
    gzip on;
}
`;

describe("nginxServiceType", () => {
  it("runs nginx in the foreground", () => {
    const file = filePath(nginxConf(nginxConfiguration()));
    assert.deepEqual(described(systemOf(service(nginxServiceType)).service("nginx")), {
      provision: ["nginx"],
      requirement: ["user-processes", "loopback"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the nginx daemon.",
      start: {
        kind: "forkexec",
        command: ["/usr/sbin/nginx", "-c", file, "-p", "/var/run/nginx", "-g", "daemon off;"],
        options: { logFile: "/var/log/nginx/stderr.log" },
      },
      // SIGQUIT: requests are finished.
      stop: { kind: "kill", signal: 3, gracePeriod: 5 },
      actions: ["configuration", "reload", "reopen"],
      files: [file],
    });
  });

  it("has Debian's account, directories, and its configuration tried", () => {
    const system = systemOf(service(nginxServiceType));
    assert.deepEqual(accountFields(system.user("www-data")), {
      group: "www-data",
      system: true,
      comment: "www-data",
      homeDirectory: "/var/www",
      createHomeDirectory: false,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    const file = filePath(nginxConf(nginxConfiguration()));
    assert.deepEqual(plainSteps(system.steps("nginx")), [
      { step: "directory", path: "/var/log/nginx" },
      { step: "directory", path: "/var/run/nginx" },
      ...temporaryDirectories.map((name) => ({ step: "directory", path: `/var/run/nginx/${name}_temp` })),
      { step: "directory", path: "/var/run/nginx/logs" },
      { step: "symlink", path: "/var/run/nginx/modules", target: "/usr/lib/nginx/modules" },
      { step: "run", command: ["/usr/sbin/nginx", "-c", file, "-p", "/var/run/nginx", "-t", "-q"] },
    ]);
    assert.ok(system.packages().includes("nginx"));
  });

  it("takes the file of one's own in place of all that is generated, as in the manual's example", () => {
    const file = plainFile("nginx.conf", "events {}\n");
    const configuration = nginxConfiguration({
      nginx,
      logDirectory: "/srv/log",
      runDirectory: "/srv/run",
      file,
      shepherdRequirement: ["postgres", "loopback"],
    });
    const { start, requirement, files } = described(
      systemOf(service(nginxServiceType, configuration)).service("nginx"),
    );
    assert.deepEqual(start, {
      kind: "forkexec",
      command: [
        filePath(fileAppend(nginx, "/sbin/nginx")),
        ...["-c", filePath(file), "-p", "/srv/run", "-g", "daemon off;"],
      ],
      options: { logFile: "/srv/log/stderr.log" },
    });
    assert.deepEqual(requirement, ["user-processes", "loopback", "postgres"]);
    assert.deepEqual(files, [filePath(file)]);
  });

  it("is extended by sites, behind its own", () => {
    const [first, second] = [nginxServer({ root: "/srv/1" }), nginxServer({ root: "/srv/2" })];
    const { files } = described(
      systemOf(
        simpleService("site", nginxServiceType, [second]),
        service(nginxServiceType, nginxConfiguration({ serverBlocks: [first] })),
      ).service("nginx"),
    );
    assert.deepEqual(files, [filePath(nginxConf(nginxConfiguration({ serverBlocks: [first, second] })))]);
  });

  it("has certificates put in place that are files of the configuration", () => {
    const [certificate, key] = [plainFile("web.crt", "…"), plainFile("web.key", "…", { mode: 0o400 })];
    const site = nginxServer({ listen: ["443 ssl"], sslCertificate: certificate, sslCertificateKey: key });
    const configuration = nginxConfiguration({ serverBlocks: [site] });
    const { files } = described(systemOf(service(nginxServiceType, configuration)).service("nginx"));
    assert.ok(files.includes(filePath(certificate)) && files.includes(filePath(key)));
    const text = textOf(nginxConf(configuration));
    assert.ok(text.includes(`ssl_certificate ${filePath(certificate)};`));
    assert.ok(text.includes(`ssl_certificate_key ${filePath(key)};`));
  });
});

describe("nginx.conf", () => {
  it("has everything in its place", () => assert.equal(textOf(nginxConf(full)), fullText));

  for (const [what, configuration] of [
    ["the defaults", nginxConfiguration()],
    ["all fields", full],
  ] as const)
    it(`is what nginx takes: ${what}`, async (t) => {
      if (!existsSync("/usr/sbin/nginx"))
        return t.skip("/usr/sbin/nginx is not installed (package nginx-light)");
      if (!existsSync("/usr/lib/nginx/modules/ngx_http_echo_module.so"))
        return t.skip("the module echo is not installed (package nginx-light)");
      const directory = await temporaryDirectory(t);
      await mkdir(join(directory, "logs"));
      await symlink("/usr/lib/nginx/modules", join(directory, "modules"));
      const file = join(directory, "nginx.conf");
      const text = textOf(nginxConf(configuration));
      await writeFile(file, text.replaceAll(/\/var\/(?:run|log)\/nginx/g, directory));
      const { status, stderr } = await run("/usr/sbin/nginx", ["-c", file, "-p", directory, "-t", "-q"]);
      assert.equal(status, 0, stderr);
    });
});

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "a relative directory",
    () => nginxConfiguration({ logDirectory: "log" }),
    /nginxConfiguration: field "logDirectory": expected an absolute file name/,
  ],
  [
    "an unknown level",
    () => nginxConfiguration(untyped({ logLevel: "warning" })),
    /field "logLevel": expected one of "debug"/,
  ],
  ["an unknown field", () => nginxConfiguration(untyped({ servers: [] })), /unknown field "servers"/],
  [
    "a site that is none",
    () => nginxConfiguration(untyped({ serverBlocks: [{ listen: ["80"] }] })),
    /field "serverBlocks": expected a list of records made by nginxServer/,
  ],
  [
    "encryption without a certificate",
    () => nginxServer({ listen: ["443 ssl"] }),
    /nginxServer: field "sslCertificate" is missing, which listening at "443 ssl" needs/,
  ],
  [
    "encryption without a key",
    () => nginxServer({ listen: ["443 ssl"], sslCertificate: "/etc/ssl/web.crt" }),
    /field "sslCertificateKey" is missing/,
  ],
  ["a root with a semicolon", () => nginxServer({ root: "/srv; autoindex on" }), /field "root"/],
  ["a name with another directive", () => nginxServer({ serverName: ["a; b"] }), /field "serverName"/],
  [
    "a location that ends the block",
    () => nginxLocation({ uri: "/ } server {" }),
    /nginxLocation: field "uri"/,
  ],
  [
    "a directive of two lines",
    () => nginxLocation({ uri: "/", body: ["a;\nb;"] }),
    /field "body": expected a list of lines/,
  ],
  [
    "an upstream without servers",
    () => nginxUpstream({ name: "a", servers: [] }),
    /nginxUpstream: field "servers": expected a list of at least one/,
  ],
  [
    "a port that cannot be",
    () => nginxServer({ listen: ["70000"] }),
    /field "listen": .* port from 1 to 65535/,
  ],
  ["port 0", () => nginxServer({ listen: ["[::1]:0 default_server"] }), /field "listen"/],
  [
    "an upstream's port that cannot be",
    () => nginxUpstream({ name: "a", servers: ["127.0.0.1:99999 weight=2"] }),
    /nginxUpstream: field "servers": .* port from 1 to 65535/,
  ],
  [
    "an upstream without a name",
    () => nginxUpstream(untyped({ servers: ["a"] })),
    /nginxUpstream: field "name" missing/,
  ],
  [
    "a global directive with a semicolon",
    () => nginxConfiguration({ globalDirectives: { worker_processes: "2; daemon on" } }),
    /field "globalDirectives"/,
  ],
];

describe("nginx's locations", () => {
  for (const uri of [
    "/",
    "= /",
    "~ \\.php$",
    "~* \\.(?:a|b)$",
    "^~ /git",
    "@name",
    '~ "^/[0-9]{4}$"',
    '"/a b"',
  ])
    it(`may be ${uri}`, () => assert.equal(nginxLocation({ uri }).uri, uri));
  for (const uri of ["", "/ {", "/;", "/ /", "= / # x", "#", "/a\\", '"/a', '"/a\\"', "'/a'", "~ ", "/\n"])
    it(`cannot be ${JSON.stringify(uri)}`, () =>
      assert.match(
        mistake(() => nginxLocation({ uri })),
        /field "uri"/,
      ));

  it("are of servers that listen at addresses, ports, ranges and sockets", () => {
    const listen = ["80", "443 http2", "127.0.0.1", "[::1]:65535", "*:8000-8010", "unix:/run/web:1"];
    assert.deepEqual(nginxServer({ listen }).listen, listen);
  });

  it("are of servers whose names may be expressions", () => {
    const name = "~^www\\d+\\.example\\.org$";
    assert.deepEqual(nginxServer({ serverName: [name] }).serverName, [name]);
  });
});

describe("nginx's configuration refuses", () => {
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});
