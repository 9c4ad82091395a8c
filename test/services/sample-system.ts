// A system with something of everything, for the tests of system directories.

import { service, simpleService } from "../../src/services/composition/service-type.js";
import { accountServiceType, userAccount, userGroup } from "../../src/services/essential/account.js";
import {
  activationServiceType,
  directoryStep,
  fileStep,
  runStep,
} from "../../src/services/essential/activation.js";
import { etcServiceType } from "../../src/services/essential/etc.js";
import { shepherdRootServiceType } from "../../src/services/essential/shepherd-root.js";
import { specialFilesServiceType } from "../../src/services/essential/special-files.js";
import { plainFile } from "../../src/services/files/file-like.js";
import { tor } from "../../src/services/files/packages.js";
import { type OperatingSystem, operatingSystem } from "../../src/services/operating-system.js";
import {
  makeForkexecConstructor,
  shepherdConfigurationAction,
} from "../../src/services/shepherd/constructors.js";
import { shepherdService } from "../../src/services/shepherd/service.js";

export function sampleSystem(): OperatingSystem {
  const config = plainFile("sample.conf", "password = hunter2\n", { mode: 0o400 });
  const sample = shepherdService({
    provision: ["sample", "example"],
    requirement: ["user-processes"],
    documentation: "A sample.",
    autoStart: false,
    start: makeForkexecConstructor(["/bin/sample", config, "--password=hunter2"]),
    actions: [shepherdConfigurationAction(config)],
  });
  return operatingSystem({
    hostName: "sample",
    packages: [tor],
    services: [
      simpleService("sample", shepherdRootServiceType, [sample]),
      simpleService("accounts", accountServiceType, [
        userGroup({ name: "sample", system: true }),
        userAccount({ name: "sample", group: "sample", system: true, homeDirectory: "/var/lib/sample" }),
        [".profile", plainFile("profile", "umask 022\n")],
      ]),
      simpleService("activation", activationServiceType, [
        {
          name: "sample",
          steps: [
            directoryStep("/var/lib/sample", { mode: 0o750, owner: "sample" }),
            fileStep("/etc/sample/sample.conf", { source: config }, { mode: 0o600 }),
            runStep(["/bin/true"], { environment: { A: "b" } }),
          ],
        },
      ]),
      simpleService("motd", etcServiceType, [["motd", plainFile("motd", "Grüße\n")]]),
      service(specialFilesServiceType, [["/lib/sample", config]]),
    ],
  });
}
