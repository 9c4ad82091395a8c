import assert from "node:assert/strict";
import { test } from "node:test";
import { briefStatus, type LogView, serviceStatus } from "../../../src/daemon/control/status.js";
import { client, definition, testSystem } from "../../support/system.js";

const quiet: LogView = { recent: async () => [], files: () => [], trouble: () => undefined };

test("what is out of order is told, and what is in order leaves no field", async () => {
  const { system } = testSystem([
    definition("web", {
      start: () => {
        throw new Error("no port");
      },
    }),
  ]);
  const web = system.registry.get("web");
  const { registry } = system;
  assert.deepEqual([...briefStatus(web, { logs: quiet, registry }).extra], []);
  await assert.rejects(system.supervisor.start("web", [], client()));
  web.obsolete = true;
  const troubled: LogView = { ...quiet, trouble: (service) => `write ${service}.log: it is full` };
  assert.deepEqual(
    [...briefStatus(web, { logs: troubled, registry }).extra],
    [
      ["failure", "no port"],
      ["obsolete?", true],
      ["log-trouble", "write web.log: it is full"],
    ],
  );
  const { extra } = await serviceStatus(web, { logs: quiet, registry }, "it died too often");
  assert.equal(extra.get("rescue"), "it died too often");
});

test("a log that cannot be read does not hide the rest of the status", async () => {
  const { system } = testSystem([definition("web")]);
  const unreadable: LogView = { ...quiet, recent: () => Promise.reject(new Error("no log writer")) };
  const { registry } = system;
  const { provides, recentMessages } = await serviceStatus(registry.get("web"), {
    logs: unreadable,
    registry,
  });
  assert.deepEqual([provides, recentMessages], [["web"], []]);
});
