// Where the services stand in the drawing of what requires what: columns from what requires nothing to what requires most.

import type { GraphLayout, GraphNode, ServiceView } from "./views.js";

type Member = Pick<ServiceView, "name" | "requires">;

/** In units of the drawing. A character is about so wide in the page's type. */
const sizes = { character: 8.2, padding: 44, height: 28, rowGap: 14, columnGap: 70, margin: 12 } as const;
/** Names longer than this are cut where they are drawn. */
export const longestLabel = 28;
/** Boxes that touch no line, side by side. */
const alonePerRow = 5;
/** How often the order within columns is improved. */
const sweeps = 4;

export function layoutOf(services: readonly Member[]): GraphLayout {
  const names = new Set(services.map(({ name }) => name));
  const edges = services.flatMap(({ name, requires }) =>
    [...new Set(requires)].filter((to) => to !== name && names.has(to)).map((to) => ({ from: name, to })),
  );
  const joined = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const all = services.map(({ name }) => name).sort();
  const columns = ordered(
    columnsOf(
      all.filter((name) => joined.has(name)),
      edges,
    ),
    edges,
  );
  const drawn = placed(columns);
  const below = drawn.height + (columns.length === 0 ? 0 : sizes.rowGap * 2);
  const rest = inRows(
    all.filter((name) => !joined.has(name)),
    below,
  );
  return {
    width: Math.ceil(Math.max(drawn.width, rest.width) + 2 * sizes.margin),
    height: Math.ceil(Math.max(drawn.height, rest.height) + 2 * sizes.margin),
    nodes: [...drawn.nodes, ...rest.nodes],
    edges,
  };
}

interface Edge {
  readonly from: string;
  readonly to: string;
}

interface Placed {
  readonly nodes: readonly GraphNode[];
  readonly width: number;
  readonly height: number;
}

function targets(edges: readonly Edge[], key: "from" | "to"): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const edge of edges) {
    const list = map.get(edge[key]) ?? [];
    map.set(edge[key], list);
    list.push(key === "from" ? edge.to : edge.from);
  }
  return map;
}

/** Each one column to the right of the rightmost that it requires. Should there be a circle, it is cut somewhere. */
function columnsOf(names: readonly string[], edges: readonly Edge[]): string[][] {
  const required = targets(edges, "from");
  const requiring = targets(edges, "to");
  const depth = new Map<string, number>();
  const open = new Map(names.map((name) => [name, required.get(name)?.length ?? 0]));
  let ready = names.filter((name) => open.get(name) === 0);
  let rest = names.length;
  while (rest > 0) {
    if (ready.length === 0) ready = names.filter((name) => !depth.has(name)).slice(0, 1);
    const next: string[] = [];
    for (const name of ready) {
      if (depth.has(name)) continue;
      const below = (required.get(name) ?? []).map((to) => depth.get(to) ?? -1);
      depth.set(name, Math.max(-1, ...below) + 1);
      rest -= 1;
      for (const from of requiring.get(name) ?? []) {
        const count = (open.get(from) ?? 0) - 1;
        open.set(from, count);
        if (count === 0) next.push(from);
      }
    }
    ready = next;
  }
  const columns: string[][] = [];
  for (const name of names) {
    const index = depth.get(name) ?? 0;
    while (columns.length <= index) columns.push([]);
    columns[index]?.push(name);
  }
  return columns;
}

/** Each column in the order of the middles of its neighbours, back and forth: fewer lines cross. */
function ordered(columns: readonly string[][], edges: readonly Edge[]): string[][] {
  const neighbours = [targets(edges, "from"), targets(edges, "to")] as const;
  let result = columns.map((column) => [...column]);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const forward = sweep % 2 === 0;
    const row = rowsOf(result);
    result = result.map((column) => {
      const middles = new Map(column.map((name) => [name, middle(name, neighbours[forward ? 0 : 1], row)]));
      return [...column].sort((a, b) => (middles.get(a) ?? 0) - (middles.get(b) ?? 0));
    });
  }
  return result;
}

/** The place of each within its column, from 0 to 1, so that columns of different lengths can be compared. */
function rowsOf(columns: readonly string[][]): ReadonlyMap<string, number> {
  return new Map(
    columns.flatMap((column) => column.map((name, index) => [name, (index + 0.5) / column.length] as const)),
  );
}

function middle(
  name: string,
  neighbours: ReadonlyMap<string, readonly string[]>,
  row: ReadonlyMap<string, number>,
): number {
  const places = (neighbours.get(name) ?? []).map((other) => row.get(other) ?? 0);
  if (places.length === 0) return row.get(name) ?? 0;
  return places.reduce((sum, place) => sum + place, 0) / places.length;
}

function widthOf(name: string): number {
  return Math.ceil(Math.min(longestLabel, name.length) * sizes.character + sizes.padding);
}

const rowHeight = sizes.height + sizes.rowGap;

function placed(columns: readonly string[][]): Placed {
  const height = Math.max(0, ...columns.map(({ length }) => length * rowHeight - sizes.rowGap));
  const nodes: GraphNode[] = [];
  let x = sizes.margin;
  for (const column of columns) {
    const width = Math.max(...column.map(widthOf));
    const own = column.length * rowHeight - sizes.rowGap;
    const top = sizes.margin + (height - own) / 2 + sizes.height / 2;
    for (const [index, name] of column.entries()) nodes.push({ name, x, y: top + index * rowHeight, width });
    x += width + sizes.columnGap;
  }
  return { nodes, height, width: columns.length === 0 ? 0 : x - sizes.columnGap - sizes.margin };
}

function inRows(names: readonly string[], top: number): Placed {
  const width = Math.max(0, ...names.map(widthOf));
  const nodes = names.map((name, index) => ({
    name,
    x: sizes.margin + (index % alonePerRow) * (width + sizes.rowGap),
    y: sizes.margin + top + Math.floor(index / alonePerRow) * rowHeight + sizes.height / 2,
    width,
  }));
  const across = Math.min(names.length, alonePerRow);
  const rows = Math.ceil(names.length / alonePerRow);
  return {
    nodes,
    width: across === 0 ? 0 : across * (width + sizes.rowGap) - sizes.rowGap,
    height: rows === 0 ? 0 : top + rows * rowHeight - sizes.rowGap,
  };
}
