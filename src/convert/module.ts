// The module that the services of a converted file make together: what it imports, what it defines, its services.

import { printable } from "../../systemd-compat/diagnostics.js";
import { comment, print } from "./code.js";
import { importText } from "./imports.js";
import type { Converted, Use } from "./program.js";

export interface ModuleParts {
  /** A comment each, at its top. */
  readonly head: readonly string[];
  readonly services: readonly Converted[];
  /** Besides those of the services. */
  readonly uses?: readonly Use[];
}

const readVariable = `/** A variable of the supervisor's environment, which must be there. */
function env(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(\`the environment variable \${name} is not set\`);
  return value;
}
`;

/** Those that are no names of shepherd-ts. */
const others: ReadonlySet<Use> = new Set<Use>(["env", "hostname"]);

export function moduleText({ head, services, uses = [] }: ModuleParts): string {
  const used = new Set([...services.flatMap((one) => one.uses), ...uses]);
  const names = ["defineConfig", ...[...used].filter((use) => !others.has(use))];
  const items = services.map(({ code, comments }) => {
    const above = comments.map((one) => comment(printable(one), 4)).join("");
    return `${above}    ${print(code, 4, 4, 1)},\n`;
  });
  return [
    head.map((line) => comment(printable(line), 0)).join(""),
    `${used.has("hostname") ? importText(["hostname"], [], "node:os") : ""}${importText(names, [], "shepherd-ts")}`,
    ...(used.has("env") ? [readVariable] : []),
    `export default defineConfig({\n  services: [\n${items.join("")}  ],\n});\n`,
  ].join("\n");
}
