// `herd graph`: what requires what, for Graphviz.
import type { ServiceStatus } from "../../protocol/service-status.js";

export interface ServiceGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
  /** Names that are required and that no service provides. */
  readonly missing: readonly string[];
}

export interface GraphNode {
  readonly name: string;
  readonly kind: "service" | "one-shot" | "timer";
  readonly state: "running" | "stopped" | "failing" | "changing";
  readonly transient: boolean;
}

export function graphOf(services: readonly ServiceStatus[]): ServiceGraph {
  const providers = new Map(services.flatMap(({ provides }) => provides.map((name) => [name, provides[0]])));
  const edges: { from: string; to: string }[] = [];
  const missing = new Set<string>();
  for (const { provides, requires } of services) {
    const [from] = provides;
    for (const name of provides.includes("root") ? requires : ["root", ...requires]) {
      const to = providers.get(name);
      if (to === undefined) missing.add(name);
      edges.push({ from, to: to ?? name });
    }
  }
  return { nodes: services.map(nodeOf), edges, missing: [...missing] };
}

const shapes = { service: "box", "one-shot": "circle", timer: "diamond" } as const;
const colours = {
  running: { line: "green", text: "black" },
  stopped: { line: "purple", text: "purple" },
  failing: { line: "red", text: "red" },
  changing: { line: "gray", text: "gray" },
} as const;

/**
 * GNU herd stops in the middle of the graph at a requirement that does not exist; we draw it, dotted, and finish the
 * graph, so that it can be looked at.
 */
export function renderGraph(graph: ServiceGraph): string {
  const lines = ['digraph "Service Graph" {'];
  for (const { name, kind, state, transient } of graph.nodes) {
    const { line, text } = colours[state];
    const style = transient ? "dashed" : "solid";
    lines.push(
      `  ${quoted(name)} [shape = ${shapes[kind]}, color = ${line}, fontcolor = ${text}, style = ${style}];`,
    );
    for (const edge of graph.edges)
      if (edge.from === name) lines.push(`  ${quoted(name)} -> ${quoted(edge.to)};`);
  }
  for (const name of graph.missing)
    lines.push(`  ${quoted(name)} [shape = box, color = red, fontcolor = red, style = dotted];`);
  return `${lines.join("\n")}\n}\n`;
}

function nodeOf(service: ServiceStatus): GraphNode {
  const { provides, oneShot, running, transient } = service;
  const timerOrService = running?.type === "timer" ? "timer" : "service";
  return {
    name: provides[0],
    kind: oneShot ? "one-shot" : timerOrService,
    state: stateOf(service),
    transient,
  };
}

function stateOf({ status, startupFailures }: ServiceStatus): GraphNode["state"] {
  if (status === "running") return "running";
  if (status !== "stopped") return "changing";
  return startupFailures.length > 0 ? "failing" : "stopped";
}

function quoted(name: string): string {
  return `"${name.replace(/["\\]/g, "\\$&")}"`;
}
