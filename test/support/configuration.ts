// The texts of configuration modules.

const names = [
  "defineConfig",
  "endpoint",
  "makeForkexecConstructor",
  "makeInetdConstructor",
  "makeKillDestructor",
  "makeSystemConstructor",
  "makeSystemDestructor",
  "makeSystemdConstructor",
  "service",
  "shepherdAction",
  "shepherdConfigurationAction",
  "shepherdService",
  "write",
];

/** A module that imports the public API and has `body`. */
export function module(body: string): string {
  return `import { ${names.join(", ")} } from "shepherd-ts";\n${body}\n`;
}

/**
 * A configuration of services: `services` are the expressions of a list, `helpers` statements before it.
 *
 * @param more further fields of the configuration
 */
export function configuration(services: readonly string[], helpers = "", more = ""): string {
  return module(
    `${helpers}\nexport default defineConfig({ services: [\n${services.join(",\n")}\n], ${more} });`,
  );
}

/** A start that runs a shell command; `options` are the constructor's. */
export function shell(command: string, options = "{}"): string {
  return `makeForkexecConstructor(["/bin/sh", "-c", ${JSON.stringify(command)}], ${options})`;
}

/** A service that sleeps until it is ended; `fields` are more of its options. */
export function sleeper(name: string, fields = ""): string {
  return `service([${JSON.stringify(name)}], { start: makeForkexecConstructor(["/bin/sleep", "1000000"]), stop: makeKillDestructor(), ${fields} })`;
}
