// pm2 ecosystem files as a configuration: what compiles and loads, what is said, what is refused.

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { convertFile } from "../../src/convert/convert.js";
import { ConversionError } from "../../src/convert/error.js";
import { builtin, type ServiceDefinition } from "../../src/daemon/definition/types.js";
import { modulesIn } from "../systemd-compat/convert/modules.js";
import { makeTree } from "../systemd-compat/trees.js";

/** Where the directory is `/DIR`; the module is also checked as it was printed, since its lines are as long as they are. */
async function converted(
  context: TestContext,
  name: string,
  contents: string,
  check: (text: string) => void = () => undefined,
): Promise<string> {
  const directory = makeTree(context, { [name]: contents });
  try {
    const text = await convertFile("pm2", [join(directory, name)]);
    check(text);
    return text.replaceAll(directory, "/DIR");
  } catch (error) {
    assert.ok(error instanceof ConversionError);
    return error.message.replaceAll(directory, "/DIR");
  }
}

function carriedBy(one: ServiceDefinition | undefined) {
  const carried = one !== undefined && builtin in one.start ? one.start[builtin] : undefined;
  return carried?.kind === "forkexec" ? carried : undefined;
}

const shop = `module.exports = {
  apps: [
    {
      name: "api",
      script: "./dist/server.js",
      cwd: "/srv/shop",
      args: "--port 8080 --title 'My shop'",
      node_args: ["--max-old-space-size=512"],
      instances: 2,
      exec_mode: "cluster",
      watch: true,
      env: { NODE_ENV: "production", WORKERS: 4 },
      env_staging: { NODE_ENV: "staging" },
      max_memory_restart: "300M",
      max_restarts: 10,
      min_uptime: "5s",
      restart_delay: 2000,
      kill_timeout: 10000,
      wait_ready: true,
      error_file: "/var/log/shop/err.log",
      out_file: "logs/out.log",
    },
    {
      name: "mailer",
      script: "mailer.py",
      interpreter: "venv/bin/python",
      cron_restart: "0 3 * * *",
      stop_exit_codes: [0],
      autostart: false,
    },
    { name: "proxy", script: "caddy run --config Caddyfile", autorestart: false },
  ],
  deploy: { production: { host: ["shop"] } },
};
`;

test("three applications become what a person would have written", async (t) => {
  const modules = modulesIn(t);
  const text = await converted(t, "ecosystem.config.cjs", shop, (printed) => modules.add("shop", printed));
  assert.equal(modules.check(), "");
  const services = await modules.load("shop");
  assert.deepEqual(
    services.map(({ provision }) => provision[0]),
    ["api", "api-0", "api-1", "mailer", "mailer-restart", "proxy"],
  );
  const [group, , second, mailer, , proxy] = services;
  assert.deepEqual(group?.relations?.wants, ["api-0", "api-1"]);
  assert.deepEqual(second?.respawnLimit, { times: 10, seconds: 70 });
  assert.deepEqual(second?.cgroup, { memoryMax: 300 * 2 ** 20 });
  assert.deepEqual([mailer?.autoStart, proxy?.respawn], [false, false]);
  const mailerPath = (file: string): string => {
    return join(carriedBy(mailer)?.options.directory ?? "", file);
  };
  const commands = [second, mailer, proxy].map((one) => carriedBy(one)?.command);
  assert.deepEqual(commands, [
    ["node", "--max-old-space-size=512", "/srv/shop/dist/server.js", "--port", "8080", "--title", "My shop"],
    [mailerPath("venv/bin/python"), mailerPath("mailer.py")],
    ["caddy", "run", "--config", "Caddyfile"],
  ]);
  assert.match(
    text,
    /extraEnvironmentVariables: \{ NODE_ENV: "production", WORKERS: "4", NODE_APP_INSTANCE: "1" \}/,
  );
  assert.match(text, /logFile: "\/srv\/shop\/logs\/out.log"/);
  assert.match(text, /makeKillDestructor\("SIGINT", \{ gracePeriod: 10 \}\)/);
});

test("what has no counterpart is said, each with its place", async (t) => {
  const text = (await converted(t, "ecosystem.config.cjs", shop)).replaceAll(/\n *\/\/ /g, " ");
  for (const remark of [
    "ecosystem.config.cjs: apps[0].exec_mode: cluster: differs: each process listens by itself.",
    "apps[0].watch: true: not applied: files are not watched",
    'apps[0].env_staging: {"NODE_ENV":"staging"}: not applied: it is for \'pm2 start --env staging\'.',
    "apps[0].max_memory_restart: 300M: differs: ",
    "apps[0].wait_ready: true: not applied: ",
    "apps[0].error_file: /var/log/shop/err.log: not applied: errors go where the output goes.",
    "ecosystem.config.cjs: deploy: not converted: only applications are.",
  ])
    assert.ok(text.includes(remark), `${remark}\n${text}`);
});

test("JSON may have comments, and one application alone", async (t) => {
  const text = await converted(t, "pm2.json", '{\n  // the server\n  "script": "app.js",\n}\n');
  assert.match(text, /service\(\["app"\]/);
});

for (const [name, contents, message] of [
  ["pm2.json", '{\n  "apps": [}\n', /^\/DIR\/pm2\.json:2: SyntaxError: Unexpected token '\}'$/],
  ["pm2.json", '{ "apps": [] }', /^\/DIR\/pm2\.json: there is no application in it$/],
  [
    "pm2.json",
    '{ "apps": [{ "name": "x" }] }',
    /apps\[0\]\.script: expected the name of a program, got undefined$/,
  ],
  [
    "pm2.json",
    '{ "apps": [{ "script": "x", "kill_timeout": "soon" }] }',
    /apps\[0\]\.kill_timeout: expected a number/,
  ],
  [
    "pm2.json",
    '{ "apps": [{ "script": "x", "name": "a b" }] }',
    /apps\[0\]\.name: expected what can be the name/,
  ],
  [
    "pm2.json",
    '{ "apps": [{ "script": "x" }, { "script": "x" }] }',
    /apps\[1\]: there is a service x already$/,
  ],
  ["ecosystem.config.cjs", "\n\nthrow new Error('no');\n", /^\/DIR\/ecosystem\.config\.cjs:3: Error: no$/],
  ["ecosystem.yml", "apps: []\n", /^\/DIR\/ecosystem\.yml: YAML cannot be read: write it as JSON/],
] as const)
  test(`refused: ${name}: ${JSON.stringify(contents)}`, async (t) => {
    assert.match(await converted(t, name, contents), message);
  });

test("a JSON file is data: what is a program in it reaches nothing of ours", async (context) => {
  const script = 'this.constructor.constructor("return process.version")()';
  const text = await converted(context, "ecosystem.json", `{ apps: [{ name: "x", script: ${script} }] }`);
  assert.match(text, /ecosystem\.json.*process is not defined/);
});
