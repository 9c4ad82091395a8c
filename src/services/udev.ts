// The service of the device manager udev: `udevServiceType` of Guix (Guix manual, "Base Services"), with rules that other
// services add.

import { readFile } from "node:fs/promises";
import { shellCommand } from "../cli/shell-words.js";
import { type Checks, check, checkFields, checkValue } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { listOf } from "../daemon/definition/fields.js";
import type { RunningValue } from "../daemon/definition/types.js";
import { commandSucceeds } from "../daemon/readiness/options.js";
import { type UserGroup, userGroup } from "./accounts/records.js";
import { recordConstructor } from "./composition/record.js";
import { type Service, service, serviceExtension, serviceType } from "./composition/service-type.js";
import { lines } from "./configuration-checks.js";
import { accountServiceType } from "./essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  fileStep,
  runStep,
} from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { type FileLike, fileAppend, fileLikeCheck, filePath, plainFile } from "./files/file-like.js";
import { udev as debianUdev } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";
import { makeForkexecConstructor, makeSystemConstructor } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

/** A file of rules, as udev(7) has them. */
export interface UdevRule {
  /** Such as `"90-usb.rules"`: files are read in the order of their names. */
  readonly fileName: string;
  readonly file: FileLike;
}

/** What `udevServiceType` runs. */
export interface UdevConfiguration {
  /** The package; default Debian's. */
  readonly udev: SoftwarePackage;
  /** Rules besides those of installed packages; default none. Extensions add theirs. */
  readonly rules: readonly UdevRule[];
}

const fileName = check<string>(
  'a name such as "90-usb.rules": letters, digits and any of _.+-, with .rules at the end',
  (value) => typeof value === "string" && /^\w[\w.+-]{0,190}\.rules$/.test(value),
);

const ruleRecord = recordConstructor<UdevRule, "fileName" | "file">(
  "udevRule",
  { fileName, file: fileLikeCheck },
  {},
);

/**
 * A file of rules.
 *
 * @example udevRule("90-usb.rules", 'ACTION=="add", SUBSYSTEM=="usb", RUN+="/usr/bin/logger plugged"\n')
 * @throws DefinitionError where the name or the contents are not what they should be
 */
export function udevRule(name: string, contents: string): UdevRule {
  return fileToUdevRule(
    name,
    plainFile(checkValue({ what: "udevRule" }, name, fileName, "the name"), contents),
  );
}

/**
 * A file of rules that is a file already: Guix's `file->udev-rule`.
 *
 * @example fileToUdevRule("90-usb.rules", localFile("usb.rules"))
 * @throws DefinitionError where the name or the file are not what they should be
 */
export function fileToUdevRule(name: string, file: FileLike): UdevRule {
  return ruleRecord({ fileName: name, file });
}

/** Checks of rules, of the configuration and of extensions. */
const rulesCheck = listOf<UdevRule>("a list of rules made by udevRule(…)", ruleRecord.isInstance);

const checks: Checks<UdevConfiguration> = { udev: softwarePackageCheck, rules: rulesCheck };

/**
 * The configuration of udev.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const udevConfiguration = recordConstructor<UdevConfiguration>("udevConfiguration", checks, {
  udev: debianUdev,
  rules: [],
});

/** Only for this boot: where it has other rules than before, activation makes them anew. */
const rulesDirectory = "/run/udev/rules.d";

/** The rules, in a directory that holds no others. */
export function udevActivation({ rules }: UdevConfiguration): readonly ActivationSnippet[] {
  return [
    {
      name: "udev",
      steps: [
        directoryStep(rulesDirectory, { mode: 0o755 }),
        ...rules.map(({ fileName: name, file }) => fileStep(`${rulesDirectory}/${name}`, { source: file })),
        runStep([
          "/usr/bin/find",
          rulesDirectory,
          "-mindepth",
          "1",
          ...rules.flatMap(({ fileName: name }) => ["!", "-name", name]),
          "-delete",
        ]),
      ],
    },
  ];
}

/**
 * Why there is nothing here for udev to manage, by /proc/self/mountinfo; undefined where there is: a container has the
 * devices that it was given, in a /dev that is no file system of the kernel's devices, or a /sys that it must not change.
 */
export function whyNoDevices(mountinfo: string): string | undefined {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [, , , , point, options] = line.split(" ");
    const type = line.split(" - ")[1]?.split(" ")[0];
    return point === undefined || options === undefined || type === undefined
      ? []
      : [{ point, options, type }];
  });
  // The last one lies above the others.
  const at = (wanted: string) => mounts.filter(({ point }) => point === wanted).at(-1);
  const isWritable = (options: string): boolean => options.split(",").includes("rw");
  const dev = at("/dev");
  if (dev?.type !== "devtmpfs") return "/dev is not the kernel's own";
  if (!isWritable(dev.options)) return "/dev cannot be written to";
  const sys = at("/sys");
  if (sys?.type !== "sysfs") return "/sys is not there";
  return isWritable(sys.options) ? undefined : "/sys cannot be written to";
}

function startUdev({ udev }: UdevConfiguration): () => Promise<RunningValue> {
  const admin = filePath(fileAppend(udev, "/bin/udevadm"));
  const run = makeForkexecConstructor([fileAppend(udev, "/lib/systemd/systemd-udevd")], {
    readiness: commandSucceeds([admin, "control", "--ping"]),
  });
  // What was there before udev is told to it as if it had just been plugged in.
  const trigger = makeSystemConstructor(
    [
      shellCommand([admin, "trigger", "--type=subsystems", "--action=add"]),
      shellCommand([admin, "trigger", "--type=devices", "--action=add"]),
      shellCommand([admin, "settle", "--timeout=60"]),
    ].join(" && "),
  );
  return async () => {
    const why = whyNoDevices(await readFile("/proc/self/mountinfo", "utf8"));
    if (why !== undefined) {
      console.log(`${why}: the devices are those that this container was given`);
      return true;
    }
    const running = await run();
    await trigger();
    return running ?? true;
  };
}

/** The service `udev`. In a container it runs without a process, and says why. */
export function udevShepherdServices(configuration: UdevConfiguration): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: ["udev"],
      requirement: ["root-file-system"],
      // What an interrupted start has begun is ended, and devices can be told of twice.
      retryable: true,
      start: startUdev(configuration),
      stop: makeKillDestructor(),
      documentation: "Populate the /dev directory, dynamically.",
    }),
  ];
}

/**
 * Runs udev, which manages devices. Extensions add rules.
 *
 * @example service(udevServiceType, udevConfiguration({ rules: [udevRule("90-usb.rules", "…\n")] }))
 */
export const udevServiceType = serviceType<UdevConfiguration, readonly UdevRule[]>({
  name: "udev",
  extensions: [
    serviceExtension(shepherdRootServiceType, udevShepherdServices),
    serviceExtension(activationServiceType, udevActivation),
    serviceExtension(profileServiceType, ({ udev }: UdevConfiguration) => [udev]),
  ],
  compose: (contributions) =>
    contributions.flatMap((rules) =>
      checkValue({ what: "service 'udev'" }, rules, rulesCheck, "an extension"),
    ),
  extend: ({ udev, rules: initialRules }, rules) =>
    udevConfiguration({ udev, rules: [...initialRules, ...rules] }),
  defaultValue: udevConfiguration(),
  description: "Run udev, which populates the /dev directory dynamically as devices come and go.",
  valueCheck: udevConfiguration.check,
});

/** What `udevRulesService` takes besides the rules. */
export interface UdevRulesOptions {
  /** Names of groups that the rules give devices to; default none. */
  readonly groups?: readonly string[];
}

/**
 * A service that adds rules to the udev of the system, and the groups that they need.
 *
 * @example udevRulesService("scope", [udevRule("60-scope.rules", 'SUBSYSTEM=="usb", GROUP="scope"\n')], { groups: ["scope"] })
 * @throws DefinitionError that names the place and what was expected
 */
export function udevRulesService(
  name: string,
  rules: readonly UdevRule[],
  options: UdevRulesOptions = {},
): Service<readonly UdevRule[]> {
  const of = { what: "udevRulesService" };
  const checked = checkValue(of, rules, rulesCheck, "the rules");
  const { groups: names = [] } = checkFields<UdevRulesOptions>(of, options, { groups: lines.words });
  const groups: readonly UserGroup[] = names.map((group) => userGroup({ name: group, system: true }));
  const type = serviceType<readonly UdevRule[]>({
    name: `${name}-udev-rules`,
    extensions: [
      serviceExtension(udevServiceType, (own: readonly UdevRule[]) => own),
      serviceExtension(accountServiceType, () => groups),
    ],
    description: "Add rules to udev.",
  });
  return service(type, checked);
}
