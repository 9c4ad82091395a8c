// Wrong configurations are compile errors: what the editor underlines, and what it says.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { project } from "../../support/project.js";

const imports =
  'import { plainFile, service, serviceExtension, serviceType, shepherdRootServiceType, shepherdService, simpleService, updateService } from "shepherd-ts/system";\n';
/** Ends the only line of a module that is wrong. */
const mark = "// wrong";
const clock = `
interface ClockConfiguration {
  readonly zone: string;
}
const clockService = (config: ClockConfiguration) =>
  shepherdService({ provision: ["clock"], documentation: config.zone });
`;
const clockType = `${clock}
const clockServiceType = serviceType({
  name: "clock",
  extensions: [
    serviceExtension(shepherdRootServiceType, (config: ClockConfiguration) => [clockService(config)]),
  ],
  description: "Say the time.",
});
`;

interface Case {
  readonly what: string;
  readonly source: string;
  /** What the compiler says of it. */
  readonly message: RegExp;
}

const cases: readonly Case[] = [
  {
    what: "an extension that computes something else than its target takes",
    source: `${clock}
export const clockServiceType = serviceType({
  name: "clock",
  extensions: [
    serviceExtension(shepherdRootServiceType, (config: ClockConfiguration) => clockService(config)), ${mark}
  ],
  description: "Say the time.",
});
`,
    message: /Type 'ShepherdService' is .* type 'readonly ShepherdService\[\]'/,
  },
  {
    what: "a value that is not of the type's kind",
    source: `${clockType}
export const services = [
  service(clockServiceType, { zone: 1 }), ${mark}
];
`,
    message: /Type 'number' is not assignable to type 'string'/,
  },
  {
    what: "no value where the type has no default",
    source: `${clockType}
export const services = [
  service(clockServiceType), ${mark}
];
`,
    message:
      /Argument of type 'ServiceType<ClockConfiguration, never>' is not assignable|Expected 2 arguments, but got 1/,
  },
  {
    what: "an extension of a type that cannot be extended",
    source: `${clockType}
export const services = [
  simpleService("more", clockServiceType, { zone: "UTC" }), ${mark}
];
`,
    message: /is not assignable to (parameter of )?type 'never'/,
  },
  {
    what: "an update that gives a value of another kind",
    source: `${clockType}
export const clauses = [
  updateService(clockServiceType, (config) => config.zone), ${mark}
];
`,
    message: /Type 'string' is not assignable to type 'ClockConfiguration'/,
  },
  {
    what: "extensions of one type that take different values",
    source: `${clock}
export const clockServiceType = serviceType<ClockConfiguration>({
  name: "clock",
  extensions: [
    serviceExtension(shepherdRootServiceType, (zone: string) => [clockService({ zone })]), ${mark}
  ],
  description: "Say the time.",
});
`,
    message: /Type 'ClockConfiguration' is not assignable to type 'string'/,
  },
  {
    what: "a field that a shepherd service does not have",
    source: `export const one = shepherdService({
  provision: ["clock"],
  respwan: false, ${mark}
});
`,
    message: /'respwan' does not exist in type .*Did you mean to write 'respawn'\?/,
  },
];

const correct = `${clockType}
export const services = [
  service(clockServiceType, { zone: "UTC" }),
  simpleService("motto", shepherdRootServiceType, [
    shepherdService({ provision: ["motto"], files: [plainFile("motto", "Festina lente.")] }),
  ]),
];
export const clauses = [updateService(clockServiceType, (config) => ({ ...config, zone: "CET" }))];
`;

const compilerOptions = {
  target: "ES2023",
  module: "NodeNext",
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  paths: { "shepherd-ts/system": [join(project.root, "build", "src", "services", "system.d.ts")] },
};

describe("the compiler", () => {
  let output = "";

  before(async () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "shepherd-compile-errors-")));
    try {
      const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
      for (const [index, { source }] of cases.entries()) write(`wrong-${index}.ts`, imports + source);
      write("right.ts", imports + correct);
      write("package.json", JSON.stringify({ type: "module" }));
      write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["*.ts"] }));
      output = await compile(directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    if (process.env.SHOW !== undefined) console.log(output);
  });

  /** What is said of a module: each error with the lines that explain it. */
  const errorsOf = (file: string): readonly string[] =>
    output.split(/\n(?=\S)/).filter((one) => one.startsWith(`${file}(`));

  cases.forEach(({ what, source, message }, index) => {
    it(`refuses ${what}, and points there`, () => {
      const [error = "", ...others] = errorsOf(`wrong-${index}.ts`);
      assert.match(error, message, output);
      assert.deepEqual(others, []);
      const line = (imports + source).split("\n").findIndex((text) => text.endsWith(mark)) + 1;
      assert.equal(/\((\d+),/.exec(error)?.[1], String(line));
    });
  });

  it("accepts what is right", () => assert.deepEqual(errorsOf("right.ts"), []));

  it("has nothing else to say", () => {
    const places = output.split(/\n(?=\S)/).map((one) => one.slice(0, one.indexOf("(")));
    assert.deepEqual(
      places.filter((place) => place !== ""),
      cases.map((_, index) => `wrong-${index}.ts`),
    );
  });
});

/** What the compiler prints of the project in a directory, of which there must be something. */
async function compile(directory: string): Promise<string> {
  const compiler = join(project.root, "node_modules", ".bin", "tsc");
  const ran = promisify(execFile)(compiler, ["--project", directory, "--pretty", "false"], {
    cwd: directory,
  });
  const reason: unknown = await ran.then(
    () => assert.fail("the compiler had nothing to say"),
    (error: unknown) => error,
  );
  assert.ok(reason instanceof Error && "stdout" in reason);
  return String(reason.stdout).trimEnd();
}
