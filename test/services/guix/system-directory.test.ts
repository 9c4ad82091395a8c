// Secrets of Guix's services in a system directory: only root can read the files that hold them.

import assert from "node:assert/strict";
import { it } from "node:test";
import { baseServices } from "../../../src/services/base.js";
import { service } from "../../../src/services/composition/service-type.js";
import {
  getmailConfiguration,
  getmailConfigurationFile,
  getmailDestinationConfiguration,
  getmailRetrieverConfiguration,
  getmailServiceType,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentServiceType,
} from "../../../src/services/guix/index.js";
import { operatingSystem } from "../../../src/services/operating-system.js";
import { systemTree } from "../../../src/services/system-directory.js";

const hidden = "xyzzy-the-secret";

it("no file that others can read has a password", () => {
  const tree = systemTree(
    operatingSystem({
      services: [
        service(
          guixBuildCoordinatorAgentServiceType,
          guixBuildCoordinatorAgentConfiguration({
            authentication: guixBuildCoordinatorAgentPasswordAuth({ uuid: "x", password: hidden }),
          }),
        ),
        service(getmailServiceType, [
          getmailConfiguration({
            rcfile: getmailConfigurationFile({
              retriever: getmailRetrieverConfiguration({ server: "a", username: "b", password: hidden }),
              destination: getmailDestinationConfiguration({ type: "Maildir", path: "/srv/mail/" }),
            }),
          }),
        ]),
        ...baseServices,
      ],
    }),
  );
  const holders = [...tree].flatMap(([name, entry]) =>
    entry.kind === "file" && Buffer.from(entry.contents).includes(hidden)
      ? [[name, entry.mode] as const]
      : [],
  );
  // What activates the system needs that of getmail; that of the agent is in the compiled module alone.
  assert.deepEqual(holders, [["activation.json", 0o600]]);
});
