// The drawing of what requires what: boxes that are links, and lines between them.

import { stateSigns } from "../format.js";
import { longestLabel } from "../layout.js";
import type { GraphLayout, GraphNode, ServiceView, ViewState } from "../views.js";
import { addressOf, byId, element, setText, svgElement } from "./dom.js";

const height = 28;

interface Box {
  readonly link: SVGAElement;
  readonly label: SVGTextElement;
}

const boxes = new Map<string, Box>();

export function drawGraph({ width, height: all, nodes, edges }: GraphLayout): void {
  boxes.clear();
  const places = new Map(nodes.map((node) => [node.name, node]));
  const svg = svgElement("svg", { width, height: all, viewBox: `0 0 ${width} ${all}` });
  for (const { from, to } of edges) {
    const requiring = places.get(from);
    const required = places.get(to);
    if (requiring !== undefined && required !== undefined) svg.append(line(requiring, required));
  }
  for (const node of nodes) svg.append(box(node));
  byId("graph").replaceChildren(svg);
}

export function paintGraph(services: ReadonlyMap<string, ServiceView>): void {
  for (const [name, { link, label }] of boxes) {
    const service = services.get(name);
    if (service === undefined) continue;
    const { sign, word } = stateSigns[service.state];
    const requires = service.requires.length === 0 ? "" : `, requires ${service.requires.join(", ")}`;
    link.dataset.state = service.state;
    link.setAttribute("aria-label", `${name}: ${word}${requires}`);
    setText(label, `${sign} ${shortened(name)}`);
  }
}

export function drawLegend(): void {
  const states = Object.entries(stateSigns) as [ViewState, (typeof stateSigns)[ViewState]][];
  byId("legend").replaceChildren(
    ...states.map(([state, { sign, word }]) => element("li", { "data-state": state }, `${sign} ${word}`)),
  );
}

function shortened(name: string): string {
  return name.length > longestLabel ? `${name.slice(0, longestLabel - 1)}…` : name;
}

function line(from: GraphNode, to: GraphNode): SVGPathElement {
  const [x1, x2] = [from.x, to.x + to.width];
  const bend = Math.max(20, (x1 - x2) / 2);
  const d = `M${x1} ${from.y}C${x1 - bend} ${from.y} ${x2 + bend} ${to.y} ${x2} ${to.y}`;
  return svgElement("path", { d, class: "edge", "aria-hidden": "true" });
}

function box({ name, x, y, width }: GraphNode): SVGAElement {
  const label = svgElement("text", { x: x + 12, y: y + 5 });
  const link = svgElement(
    "a",
    { href: addressOf(name), class: "node" },
    svgElement("rect", { x, y: y - height / 2, width, height, rx: 5 }),
    label,
  );
  boxes.set(name, { link, label });
  return link;
}
