// Graphs in the language of Graphviz, as Guix draws them.

export interface DotNode {
  readonly id: string;
  readonly label: string;
}

export interface DotEdge {
  readonly from: string;
  readonly to: string;
}

const colors = [
  "red",
  "magenta",
  "blue",
  "cyan3",
  "darkseagreen",
  "peachpuff4",
  "darkviolet",
  "dimgrey",
  "darkgoldenrod",
] as const;

/** A digraph: all edges from one node have one color, the same each time. */
export function dotGraph(name: string, nodes: readonly DotNode[], edges: readonly DotEdge[]): string {
  return [
    `digraph ${quoted(name)} {`,
    ...nodes.map(
      ({ id, label }) => `  ${quoted(id)} [label = ${quoted(label)}, shape = box, fontname = sans];`,
    ),
    ...edges.map(({ from, to }) => `  ${quoted(from)} -> ${quoted(to)} [color = ${colorOf(from)}];`),
    "}\n",
  ].join("\n");
}

/** Text in quotes, on one line. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&").replaceAll(/\p{Cc}+/gu, " ")}"`;
}

function colorOf(id: string): string {
  const hash = [...id].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521, 7);
  return colors[hash % colors.length] ?? colors[0];
}
