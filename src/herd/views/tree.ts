// `herd tree`.
import { decodeTrees } from "../../protocol/process-tree.js";
import type { JsonValue } from "../render/json.js";
import { forestOf, type ProcessNode, renderTrees } from "../render/tree.js";
import { action } from "./action.js";
import type { View } from "./view.js";

/** A service may have an action of its own of that name. */
export const tree: View = {
  text: (reply, subject, options) => {
    const trees = decodeTrees(reply.result);
    return trees === undefined ? action.text(reply, subject, options) : renderTrees(trees, options);
  },
  json: (reply, subject) => {
    const trees = decodeTrees(reply.result);
    if (trees === undefined) return action.json(reply, subject);
    return trees.map(({ service, processes, more }) => ({
      service,
      processes: forestOf(processes).map(asJson),
      more,
    }));
  },
};

function asJson({ pid, command, children }: ProcessNode): JsonValue {
  return { pid, command, children: children.map(asJson) };
}
