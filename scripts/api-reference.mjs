// Writes the reference of the public modules from what tsc has made of their types: docs/api/NAME.md for each, and the manual
// page shepherd.config(5) for what configurations import most. With --check it writes nothing, and fails where something would
// be other than it is. Run it after a build.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { exports: modules } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The statements of a file of declarations, which tsc begins in the first column, each with the comment above it. */
function statementsOf(file) {
  const statements = [];
  let lines = [];
  let isComment = false;
  const finish = () => {
    const text = lines.join("\n").trim();
    if (text !== "") statements.push(text);
    lines = [];
  };
  // The last line of code, of a statement that is whole where it ends so.
  let last = "";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const begins = /^(?:\/\*\*|export |import |declare |interface |type )/.test(line);
    if (begins && !isComment && /[;}]$/.test(last)) {
      finish();
      last = "";
    }
    if (line.startsWith("/**")) isComment = true;
    else if (!isComment && line.trim() !== "") last = line.trimEnd();
    lines.push(line);
    if (line.endsWith("*/")) isComment = false;
  }
  finish();
  return statements.filter((text) => !text.startsWith("//#"));
}

const declared = /^(export )?(?:declare )?(?:abstract )?(function|const|class|interface|type) ([\w$]+)/;
const files = new Map();

/** What a file exports: names to where each is declared, and the comments and declarations that it has. */
function exportsOf(file) {
  const known = files.get(file);
  if (known !== undefined) return known;
  const found = new Map();
  files.set(file, found);
  // With what gets its public name further down.
  const own = new Map();
  const lists = [];
  const target = (from) => resolve(dirname(file), from.replace(/\.js$/, ".d.ts"));
  for (const text of statementsOf(file)) {
    const [, comment = "", code = text] = /^(\/\*\*[\s\S]*?\*\/)\s*([\s\S]*)$/.exec(text) ?? [];
    const [, names, from] = /^export (?:type )?\{([^}]*)\}(?: from "(.*)")?;/.exec(code) ?? [];
    const all = /^export \* from "(.*)";/.exec(code)?.[1];
    const [, exported, kind, name] = declared.exec(code) ?? [];
    if (all !== undefined) for (const [key, one] of exportsOf(target(all))) found.set(key, one);
    else if (names !== undefined) lists.push({ names, from });
    else if (name !== undefined) {
      const declarations = [...(own.get(name)?.declarations ?? []), { comment, code: declaration(code) }];
      own.set(name, { name, kind, declarations });
      if (exported !== undefined) found.set(name, own.get(name));
    }
  }
  for (const { names, from } of lists) {
    const others = from === undefined ? own : exportsOf(target(from));
    for (const word of names.split(",").map((one) => one.trim().replace(/^type /, ""))) {
      if (word === "") continue;
      const [there, here = there] = word.split(" as ");
      const one = others.get(there);
      if (one === undefined) throw new Error(`${file}: ${there} is not in ${from ?? "it"}`);
      const rename = (code) => code.replace(new RegExp(`\\b${there}\\b`), here);
      const declarations = one.declarations.map((each) => ({ ...each, code: rename(each.code) }));
      found.set(here, { ...one, name: here, declarations });
    }
  }
  return found;
}

/** As it is for a reader: nothing of how it is exported, or of what is private. */
function declaration(code) {
  return code
    .replace(/^(?:export )?(?:declare )?/, "")
    .replace(/^ *#private;\n/m, "")
    .replaceAll(/import\("[^"]*"\)\./g, "")
    .trim();
}

/** A comment's paragraphs, and what its tags say. */
function documentation(comment) {
  const text = comment
    .replace(/^\/\*\*\s*|\s*\*\/$/g, "")
    .replaceAll(/^ *\* ?/gm, "")
    .trim();
  const [prose = "", ...tags] = text.split(/^@/m);
  return {
    paragraphs: prose
      .split(/\n\s*\n/)
      .map((one) => one.replaceAll(/\s*\n\s*/g, " ").trim())
      .filter((one) => one !== ""),
    tags: tags.map((one) => {
      const [, tag, rest] = /^(\w+)\s*([\s\S]*)$/.exec(one);
      return { tag, text: rest.replaceAll(/\s*\n\s*/g, " ").trim() };
    }),
  };
}

/** As our formatter has it. */
function formatted(name, text) {
  const biome = join(root, "node_modules", ".bin", "biome");
  return execFileSync(biome, ["format", `--stdin-file-path=${name}`], {
    cwd: root,
    input: text,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

const separator = "//# next";

/** All declarations at once: each run of the formatter takes a moment. */
function formatAll(declarations) {
  const text = declarations.map(({ code }) => code).join(`\n\n${separator}\n\n`);
  const codes = formatted("api.d.ts", text).split(separator);
  for (const [index, one] of declarations.entries()) one.code = codes[index].trim();
}

const kinds = [
  ["Functions", ["function"]],
  ["Values", ["const", "class"]],
  ["Types", ["interface", "type"]],
];

const byName = ([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1);

function sectionsOf(file) {
  const all = [...exportsOf(file)].sort(byName).map(([, one]) => one);
  formatAll(all.flatMap(({ declarations }) => declarations));
  return kinds
    .map(([title, list]) => ({ title, entries: all.filter(({ kind }) => list.includes(kind)) }))
    .filter(({ entries }) => entries.length > 0);
}

function markdownOf(name, file) {
  const lines = [
    `# ${name}`,
    "What the module exports, from its types. `npm run api` writes this page.",
    ...sectionsOf(file).flatMap(({ title, entries }) => [
      `## ${title}`,
      ...entries.flatMap((entry) => [
        `### ${entry.name}`,
        ...entry.declarations.flatMap(({ comment, code }) => {
          const { paragraphs, tags } = documentation(comment);
          return [
            `\`\`\`ts\n${code}\n\`\`\``,
            ...paragraphs,
            ...tags.map(({ tag, text }) => {
              if (tag === "example") return `Example:\n\n\`\`\`ts\n${text}\n\`\`\``;
              if (tag === "param") return text.replace(/^(\S+)\s*/, "`$1`: ");
              return `${tag.charAt(0).toUpperCase()}${tag.slice(1)}: ${text}`;
            }),
          ];
        }),
      ]),
    ]),
  ];
  return formatted("api.md", `${lines.join("\n\n")}\n`);
}

/** Text for troff: code in bold, and nothing that it takes for a request. */
const roff = (text) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll(/`([^`]*)`/g, "\\fB$1\\fP")
    .replaceAll(/^([.'])/gm, "\\&$1");

function manualOf(file) {
  const intro = readFileSync(join(root, "scripts", "shepherd.config.5.in"), "utf8");
  const sections = sectionsOf(file).map(({ title, entries }) => {
    const items = entries.map(({ name, declarations }) => {
      const parts = declarations.map(({ comment, code }) => {
        const { paragraphs, tags } = documentation(comment);
        const text = [
          ...paragraphs,
          ...tags.map(({ tag, text: rest }) => `${tag.charAt(0).toUpperCase()}${tag.slice(1)}: ${rest}`),
        ];
        return `.nf\n${roff(code)}\n.fi\n${text.map((one) => `.IP "" 4\n${roff(one)}\n`).join("")}`;
      });
      return `.SS ${roff(name)}\n${parts.join("")}`;
    });
    return `.SH ${title.toUpperCase()}\n${items.join("")}`;
  });
  return intro.replace("@API@\n", sections.join(""));
}

const outputs = new Map();
for (const [path, { types }] of Object.entries(modules)) {
  const name = `shepherd-ts${path.slice(1)}`;
  const file = join(root, types);
  outputs.set(`docs/api/${name.replace("/", "-")}.md`, markdownOf(name, file));
  if (path === ".") outputs.set("man/shepherd.config.5", manualOf(file));
}

const isCheck = process.argv.includes("--check");
const current = (file) => {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return undefined;
  }
};
const stale = [...outputs].filter(([file, text]) => current(file) !== text);
if (isCheck) {
  for (const [file] of stale) console.error(`${file} is not what the types say: run 'npm run api'`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(join(root, "docs", "api"), { recursive: true });
  for (const [file, text] of stale) writeFileSync(join(root, file), text);
}
