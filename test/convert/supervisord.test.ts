// supervisord.conf as a configuration: what is printed, that it compiles and loads, and what is refused.

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { convertFile, kindOf } from "../../src/convert/convert.js";
import { ConversionError } from "../../src/convert/error.js";
import { parseIni } from "../../src/convert/supervisord/ini.js";
import { builtin } from "../../src/daemon/definition/types.js";
import { modulesIn } from "../systemd-compat/convert/modules.js";
import { makeTree, type Tree } from "../systemd-compat/trees.js";

async function converted(context: TestContext, tree: Tree): Promise<{ text: string; directory: string }> {
  const directory = makeTree(context, tree);
  const text = await convertFile("supervisord", [join(directory, "supervisord.conf")]);
  return { text, directory };
}

async function refused(context: TestContext, text: string): Promise<string> {
  const directory = makeTree(context, { "supervisord.conf": text });
  const file = join(directory, "supervisord.conf");
  try {
    await convertFile("supervisord", [file]);
  } catch (error) {
    assert.ok(error instanceof ConversionError);
    return error.message.replaceAll(directory, "DIR");
  }
  throw new Error("nothing was refused");
}

const site = `; A Django site, as such files are in the field.
[unix_http_server]
file=/run/supervisor.sock   ; (the path to the socket file)

[supervisord]
logfile=/var/log/supervisord.log
nodaemon=true
environment=LANG="C.UTF-8"

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[program:gunicorn]
command=/srv/site/venv/bin/gunicorn site.wsgi:application --bind 127.0.0.1:8000
    --workers 3 --access-logfile -
directory=/srv/site
user=www-data
environment=DJANGO_SETTINGS_MODULE="site.settings",SECRET_FILE=%(ENV_SECRETS)s/django
autorestart=true
stopsignal=QUIT
stopwaitsecs=30
stopasgroup=true
redirect_stderr=true
stdout_logfile=/var/log/site/gunicorn.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=5
priority=10

[program:celery]
command=celery -A site worker -n w%(process_num)02d@%%h -Q "mail, slow"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
directory=%(here)s
startsecs=10
startretries=5
exitcodes=0,2
stderr_logfile=/var/log/site/celery.err
stdout_capture_maxbytes=1MB
umask=027

[program:migrate]
command=/srv/site/venv/bin/python manage.py migrate
autorestart=false
autostart=false
startsecs=0
`;

test("a site of three programs becomes what a person would have written", async (t) => {
  const { text } = await converted(t, { "supervisord.conf": site });
  const modules = modulesIn(t);
  modules.add("site", text);
  assert.equal(modules.check(), "");
  process.env.SECRETS = "/run/secrets";
  const services = await modules.load("site");
  const byName = new Map(services.map((one) => [one.provision[0], one]));
  assert.deepEqual(
    [...byName.keys()],
    ["gunicorn", "celery", "celery_00", "celery_01", "migrate", "log-rotation"],
  );
  const expected = `    service(["gunicorn"], {
      start: makeForkexecConstructor(
        [
          "/srv/site/venv/bin/gunicorn",
          "site.wsgi:application",
          "--bind",
          "127.0.0.1:8000",
          "--workers",
          "3",
          "--access-logfile",
          "-",
        ],
        {
          user: "www-data",
          directory: "/srv/site",
          extraEnvironmentVariables: {
            LANG: "C.UTF-8",
            DJANGO_SETTINGS_MODULE: "site.settings",
            SECRET_FILE: \`\${env("SECRETS")}/django\`,
          },
          logFile: "/var/log/site/gunicorn.log",
        },
      ),
      stop: makeKillDestructor("SIGQUIT", { gracePeriod: 30 }),
      respawn: true,
      respawnDelay: 1,
      respawnLimit: { times: 3, seconds: 6 },
    }),
    service(["celery"], {
      wants: ["celery_00", "celery_01"],
    }),
`;
  assert.ok(text.includes(expected), text);
  const worker = byName.get("celery_01");
  assert.deepEqual(worker?.provision, ["celery_01", "celery:celery_01"]);
  assert.deepEqual(worker?.relations?.after, ["gunicorn"]);
  assert.deepEqual(worker?.relations?.partOf, ["celery"]);
  assert.deepEqual(worker?.respawnLimit, { times: 5, seconds: 55 });
  const start = worker?.start;
  const carried = start !== undefined && builtin in start ? start[builtin] : undefined;
  assert.deepEqual(carried?.kind === "forkexec" && carried.command, [
    ...["celery", "-A", "site", "worker", "-n", "w01@%h", "-Q", "mail, slow"],
  ]);
  const handler = worker?.terminationHandler;
  const end = { pid: 1, status: 512, exitCode: 2 };
  assert.equal(await handler?.({ name: "celery_01", value: true }, end), "stop");
  assert.equal(
    await handler?.({ name: "celery_01", value: true }, { pid: 1, status: 9, signal: 9 }),
    "respawn",
  );
  assert.deepEqual([byName.get("migrate")?.autoStart, byName.get("migrate")?.respawn], [false, false]);
});

test("what has no counterpart is said, each with its place", async (t) => {
  const { text, directory } = await converted(t, { "supervisord.conf": site });
  const words = text.replaceAll(/\n *\/\/ /g, " ").replaceAll(directory, "DIR");
  for (const remark of [
    "DIR/supervisord.conf:2: [unix_http_server]: shepherd has its own control socket.",
    "DIR/supervisord.conf:6: logfile=/var/log/supervisord.log: not applied: shepherd --logfile=FILE",
    "DIR/supervisord.conf:10: [rpcinterface:supervisor]: ",
    "DIR/supervisord.conf:37: stderr_logfile=/var/log/site/celery.err: not applied: ",
    "DIR/supervisord.conf:38: stdout_capture_maxbytes=1MB: not applied: ",
  ])
    assert.ok(words.includes(remark), `${remark}\n${text}`);
});

test("groups, included files and names that several processes have", async (t) => {
  const { text, directory } = await converted(t, {
    "supervisord.conf": `[include]
files = conf.d/*.conf none/*.conf
[group:front]
programs=web,cache
priority=5
[program:web]
command=web
process_name=main
[program:cache]
command=cache --name "%(group_name)s"
autostart=false
[program:old]
command=old
process_name=main
`,
    "conf.d/b.conf": "[program:batch]\ncommand=sh -c 'sleep 1'\nuser=%(ENV_WHO)s\n",
    "conf.d/a.conf": "[eventlistener:mail]\ncommand=crashmail\n",
  });
  const modules = modulesIn(t);
  modules.add("groups", text);
  assert.equal(modules.check(), "");
  process.env.WHO = "nobody";
  const services = await modules.load("groups");
  assert.deepEqual(
    services.map(({ provision, relations }) => [...provision, relations?.wants, relations?.after]),
    [
      ["front", ["front:main"], undefined],
      ["front:main", undefined, undefined],
      ["cache", "front:cache", undefined, undefined],
      ["old", ["old:main"], undefined],
      ["old:main", undefined, ["front:main", "cache"]],
      ["batch", undefined, ["front:main", "cache"]],
    ],
  );
  assert.match(text, new RegExp(`${directory}/conf.d/a.conf:1: \\[eventlistener:mail\\]: not converted`));
});

test("values go on in further lines, comments end them, later ones count", () => {
  const text = "[DEFAULT]\nuser: me\n[a]\nX = 1 ; no\n  2\n\n  3\nx=4#5\n[a]\ny=\n";
  const [section] = parseIni(text, "f");
  const values = [...(section?.settings.values() ?? [])].map(({ name, value, line }) => [name, value, line]);
  assert.deepEqual(values, [
    ["user", "me", 2],
    ["x", "4#5", 8],
    ["y", "", 10],
  ]);
  assert.deepEqual(parseIni("[a]\nX = 1 ; no\n  2\n\n  3\n", "f")[0]?.settings.get("x")?.value, "1\n2\n3");
});

for (const [text, message] of [
  [
    "[program:x\ncommand=a\n",
    /^DIR\/supervisord\.conf:1: expected \[SECTION\] or NAME=VALUE, got "\[program:x"$/,
  ],
  ["command=a\n", /conf:1: "command=a" is in no section$/],
  ["[program:x]\nuser=a\n", /conf:1: \[program:x\] has no command$/],
  ["[program:x]\ncommand=a 'b\n", /conf:2: command: a quotation has no end$/],
  ["[program:x]\ncommand=a %b\n", /conf:2: "a %b" has a percent sign that begins nothing/],
  ["[program:x]\ncommand=a %(what)s\n", /conf:2: %\(what\)s: unknown name; known are here, program_name/],
  ["[program:x]\ncommand=a\nnumprocs=3\n", /conf:1: process_name must have %\(process_num\)/],
  ["[program:x]\ncommand=a\nstopsignal=FOO\n", /conf:3: stopsignal: there is no signal "FOO"$/],
  [
    "[program:x]\ncommand=a\nautostart=perhaps\n",
    /conf:3: autostart: expected true or false, got "perhaps"$/,
  ],
  [
    "[program:x]\ncommand=a\nstdout_logfile_maxbytes=5X\n",
    /conf:3: stdout_logfile_maxbytes: expected a size/,
  ],
  ["[program:x]\ncommand=a\nenvironment=A=1 B\n", /conf:3: expected NAME="VALUE" and commas/],
  ["[program:x/y]\ncommand=a\n", /conf:1: "x\/y" cannot be the name of a service$/],
  ["[program:x]\ncommand=a\n[group:g]\nprograms=y\n", /conf:4: there is no \[program:y\]$/],
  [
    "[program:a]\ncommand=a\nprocess_name=m\n[program:b]\ncommand=b\nprocess_name=m\n[group:g]\nprograms=a,b\n",
    /conf:6: there is a process g:m already, from DIR\/supervisord\.conf:3$/,
  ],
  ["[supervisord]\n", /^DIR\/supervisord\.conf: there is no \[program:NAME\] in it$/],
] as const)
  test(`refused with its place: ${JSON.stringify(text)}`, async (t) => {
    assert.match(await refused(t, text), message);
  });

test("a file is what its name says, and else a unit", () => {
  const given = [
    "a/supervisord.conf",
    "Procfile",
    "Procfile.dev",
    "ecosystem.config.js",
    "pm2.json",
    "x.config.cjs",
  ];
  assert.deepEqual(given.map(kindOf), ["supervisord", "procfile", "procfile", "pm2", "pm2", "pm2"]);
  assert.deepEqual(["nginx", "./web.service", "conf", "process@x"].map(kindOf), Array(4).fill("systemd"));
});
