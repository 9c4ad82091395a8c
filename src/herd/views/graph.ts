// `herd graph`.
import { decodeServices } from "../../protocol/service-status.js";
import { graphOf, renderGraph } from "../render/graph.js";
import type { View } from "./view.js";

export const graph: View = {
  text: ({ result }) => renderGraph(graphOf(decodeServices(result))),
  json: ({ result }) => {
    const { nodes, edges, missing } = graphOf(decodeServices(result));
    return { nodes: nodes.map((node) => ({ ...node })), edges: edges.map((edge) => ({ ...edge })), missing };
  },
  failure: ({ result }) => {
    const [missing] = graphOf(decodeServices(result)).missing;
    return missing === undefined ? undefined : `inconsistent graph: service '${missing}' not found`;
  },
};
