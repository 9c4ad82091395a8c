// The type of the service that tells the kernel the name of the machine.

import { readFile, writeFile } from "node:fs/promises";
import { errorText } from "../../daemon/error-text.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { plainFile } from "../files/file-like.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { type EtcEntry, etcServiceType } from "./etc.js";
import { shepherdRootServiceType } from "./shepherd-root.js";

const kernelFile = "/proc/sys/kernel/hostname";

/** What stands for "as it is": the default of `operatingSystem`. */
export const unchangedHostName = "localhost";

function hostNameService(name: string): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: ["host-name"],
      oneShot: true,
      retryable: true,
      start: () => setHostName(name),
      documentation: "Initialize the machine's host name.",
    }),
  ];
}

/** In a container the name is the runtime's to choose: where the kernel refuses, that is said, and nothing has failed. */
async function setHostName(name: string): Promise<true> {
  if (name === unchangedHostName) return true;
  try {
    const current = (await readFile(kernelFile, "utf8")).trim();
    if (current !== name) await writeFile(kernelFile, `${name}\n`);
  } catch (error) {
    console.log(`the host name stays as it is: ${errorText(error)}`);
  }
  return true;
}

function etcEntries(name: string): readonly EtcEntry[] {
  return name === unchangedHostName
    ? []
    : [["hostname", plainFile("hostname", `${name}\n`, { mode: 0o644 })]];
}

/** The machine's name, its value; `localhost` leaves the name that it has. */
export const hostNameServiceType = serviceType<string>({
  name: "host-name",
  extensions: [
    serviceExtension(shepherdRootServiceType, hostNameService),
    serviceExtension(etcServiceType, etcEntries),
  ],
  description: "Initialize the machine's host name.",
});
