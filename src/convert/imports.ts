// Import statements, as our formatter has them.

/** Empty where nothing is imported. */
export function importText(names: readonly string[], types: readonly string[], module: string): string {
  if (names.length + types.length === 0) return "";
  // As the formatter sorts them: by the letters alone.
  const all = [...names, ...types.map((name) => `type ${name}`)].sort((one, other) =>
    one.replace("type ", "").toLowerCase() < other.replace("type ", "").toLowerCase() ? -1 : 1,
  );
  const line = `import { ${all.join(", ")} } from "${module}";`;
  if (line.length <= 110) return `${line}\n`;
  return `import {\n${all.map((name) => `  ${name},\n`).join("")}} from "${module}";\n`;
}
