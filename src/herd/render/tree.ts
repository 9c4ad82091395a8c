// `herd tree`: the processes of services, each below its parent.
import type { ServiceTree, TreeProcess } from "../../protocol/process-tree.js";
import type { Style } from "./style.js";

export interface ProcessNode {
  readonly pid: number;
  readonly command: string;
  readonly children: readonly ProcessNode[];
}

interface Branches {
  readonly middle: string;
  readonly last: string;
  readonly line: string;
  readonly none: string;
}

const drawn: Branches = { middle: "├─ ", last: "└─ ", line: "│  ", none: "   " };
const typed: Branches = { middle: "|- ", last: "`- ", line: "|  ", none: "   " };

interface Growing extends ProcessNode {
  readonly children: Growing[];
}

/** The processes whose parents are none of them, with all that is below. */
export function forestOf(processes: readonly TreeProcess[]): readonly ProcessNode[] {
  const nodes = new Map(
    processes.map(({ pid, command }): [number, Growing] => [pid, { pid, command, children: [] }]),
  );
  const roots: Growing[] = [];
  for (const { pid, parent } of processes) {
    const node = nodes.get(pid);
    if (node !== undefined) (nodes.get(parent)?.children ?? roots).push(node);
  }
  // Numbers are used again, and what was read of several instants may be a circle: nobody is left out.
  const reached = new Set(roots);
  for (const { children } of reached) for (const child of children) reached.add(child);
  const lost = [...nodes.values()].filter((node) => !reached.has(node));
  return [...roots, ...lost.map(({ pid, command }) => ({ pid, command, children: [] }))];
}

export function renderTrees(
  trees: readonly ServiceTree[],
  { style, unicode }: { readonly style: Style; readonly unicode: boolean },
): string {
  const branches = unicode ? drawn : typed;
  const lines = trees.flatMap(({ service, processes, more }) => [
    style.bold(service),
    ...linesOf(forestOf(processes), branches, more),
  ]);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Without recursion: a tree may be as deep as there are processes. */
function linesOf(forest: readonly ProcessNode[], branches: Branches, more: number): string[] {
  const lines: string[] = [];
  interface Open {
    readonly node: ProcessNode;
    readonly indent: string;
    readonly isLast: boolean;
  }
  const open = (nodes: readonly ProcessNode[], indent: string, follows: boolean): Open[] =>
    nodes.map((node, index) => ({ node, indent, isLast: index === nodes.length - 1 && !follows })).reverse();
  const stack = open(forest, "", more > 0);
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, indent, isLast } = top;
    lines.push(
      `${indent}${isLast ? branches.last : branches.middle}${node.pid} ${node.command.replaceAll("\n", " ")}`,
    );
    stack.push(...open(node.children, indent + (isLast ? branches.none : branches.line), false));
  }
  if (more > 0) lines.push(`${branches.last}and ${more} more`);
  return lines;
}
