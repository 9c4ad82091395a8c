import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../../src/daemon/units/encoded.js";
import { unitOf } from "../../../src/daemon/units/of-definition.js";
import { allDirectives } from "../../../systemd-compat/directives.js";
import { unitService } from "../../../systemd-compat/index.js";
import { camelCase } from "../../../systemd-compat/translate/camel-case.js";

test("a unit written in TypeScript is read as one from a file", () => {
  const definition = unitService("web", {
    description: "Web",
    requires: "db.service",
    after: ["db.service", "network.target"],
    execStart: '/usr/bin/web --name "%p" $OPTIONS',
    execStartPre: ["/bin/one", "-/bin/two"],
    limitNOFILE: 1024,
    privateTmp: true,
    pidFile: "web.pid",
    restart: "always",
    autoStart: false,
  });
  assert.deepEqual(definition.provision, ["web", "web.service"]);
  assert.deepEqual(definition.requirement, ["db"]);
  assert.deepEqual(definition.relations, { after: ["db", "network.target"] });
  assert.deepEqual([definition.autoStart, definition.respawn], [false, true]);
  const data = unitOf(definition);
  assert.ok(data?.kind === "unit");
  const settings = decode(data.service);
  assert.deepEqual(settings.ExecStart?.[0]?.argv, ["/usr/bin/web", "--name", "web", "$OPTIONS"]);
  assert.equal(settings.ExecStartPre?.[1]?.ignoreFailure, true);
  assert.equal(settings.PIDFile, "/run/web.pid");
  assert.equal(settings.PrivateTmp, true);
});

test("mistakes are told where they are made", () => {
  assert.throws(
    () => unitService("web", { execStrat: "/bin/a" } as never),
    /unknown directive "execStrat".*execStart/,
  );
  assert.throws(
    () => unitService("web", { execStart: "/bin/a", killMode: "maybe" }),
    /KillMode=: expected one of/,
  );
  assert.throws(() => unitService("web", { execStart: "/bin/a\nUser=root" }), /a text of one line/);
  assert.throws(() => unitService("web", { execStart: "/bin/a \\" }), /a text of one line/);
  assert.throws(() => unitService("web", {}), /neither ExecStart= nor ExecStop=/);
  assert.throws(() => unitService("web.socket", { execStart: "/bin/a" }), /expected the name of a service/);
  assert.throws(() => unitService("web", { execStart: "/bin/a", strict: 1 } as never), /true or false/);
});

test("no two directives have the same name in camelCase", () => {
  const names = allDirectives().filter(({ section }) => section === "Unit" || section === "Service");
  const spelled = new Set(names.map(({ name }) => camelCase(name)));
  assert.equal(spelled.size, new Set(names.map(({ name }) => name)).size);
  assert.deepEqual(["ExecStart", "PIDFile", "UMask", "CPUQuota", "LimitNOFILE"].map(camelCase), [
    "execStart",
    "pidFile",
    "uMask",
    "cpuQuota",
    "limitNOFILE",
  ]);
});
