// The types of the services that put together the kernel of a system and its modules. A container runs its host's kernel:
// there is a `kernel` in its system directory only where a configuration names one, or modules.

import { type Check, type Checks, check, checkValue, fail, show } from "../../daemon/definition/check.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { isSoftwarePackage, type SoftwarePackage, softwarePackageCheck } from "../files/file-like.js";
import { symlink, type Tree } from "../files/tree.js";
import { append } from "./lists.js";
import { packageList } from "./profile.js";
import { type SystemEntry, systemServiceType } from "./system.js";

/** The kernel of a system. */
export interface LinuxBuilderConfiguration {
  /** Default: none, as in a container. */
  readonly kernel: SoftwarePackage | undefined;
  /** Packages with modules for it; default none. */
  readonly modules: readonly SoftwarePackage[];
}

const checks: Checks<LinuxBuilderConfiguration> = { kernel: softwarePackageCheck, modules: packageList };

/** @throws DefinitionError that names the place, the field and what was expected */
export const linuxBuilderConfiguration = recordConstructor<LinuxBuilderConfiguration>(
  "linuxBuilderConfiguration",
  checks,
  { kernel: undefined, modules: [] },
);

/** What extends it: a function from one configuration to another. */
export type LinuxBuilderExtension = (config: LinuxBuilderConfiguration) => LinuxBuilderConfiguration;

const isFunction: Check<LinuxBuilderExtension> = check(
  "a function from one configuration to another",
  (value) => typeof value === "function",
);

function kernelEntries({ kernel, modules }: LinuxBuilderConfiguration): readonly SystemEntry[] {
  const packages = [...new Set([...(kernel === undefined ? [] : [kernel]), ...modules])];
  const names = packages.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    fail({ what: "service 'linux-builder'" }, `two different packages are called ${show(twice)}`);
  const tree: Tree = new Map(packages.map(({ name, prefix }) => [name, symlink(prefix)]));
  return packages.length === 0 ? [] : [["kernel", tree]];
}

/** The kernel and its modules. Its contributions are functions, of which the last that is listed is applied first. */
export const linuxBuilderServiceType = serviceType<
  LinuxBuilderConfiguration,
  LinuxBuilderExtension,
  LinuxBuilderExtension
>({
  name: "linux-builder",
  extensions: [serviceExtension(systemServiceType, kernelEntries)],
  compose: (contributions) => (config) =>
    contributions.reduceRight(
      (current, change) =>
        checkValue({ what: "service 'linux-builder'" }, change, isFunction, "an extension")(current),
      config,
    ),
  extend: (config, change) => change(config),
  defaultValue: linuxBuilderConfiguration(),
  description: "Put together the kernel of the system and its modules.",
});

/** A package with modules; in Guix also with the name of one of its outputs, which Debian's packages do not have. */
export type LoadableModule = SoftwarePackage | readonly [SoftwarePackage, output: string];

function packageOf(module: LoadableModule): SoftwarePackage {
  const one: unknown = Array.isArray(module) ? (module as readonly unknown[])[0] : module;
  if (isSoftwarePackage(one)) return one;
  return fail(
    { what: "service 'linux-loadable-modules'" },
    `expected a package made by softwarePackage(…), got ${show(module)}`,
  );
}

/**
 * Packages with modules that the kernel can load. They are not loaded. Its value and its contributions are lists.
 *
 * @example simpleService("installing-module", linuxLoadableModuleServiceType, [wireguardModule])
 */
export const linuxLoadableModuleServiceType = serviceType<
  readonly LoadableModule[],
  readonly LoadableModule[],
  readonly LoadableModule[]
>({
  name: "linux-loadable-modules",
  extensions: [
    serviceExtension(
      linuxBuilderServiceType,
      (modules: readonly LoadableModule[]): LinuxBuilderExtension =>
        (config) =>
          linuxBuilderConfiguration({ ...config, modules: [...config.modules, ...modules.map(packageOf)] }),
    ),
  ],
  compose: (contributions) => contributions.flat(),
  extend: append,
  defaultValue: [],
  description: "Collect packages with modules that the kernel of the system is to be able to load.",
});
