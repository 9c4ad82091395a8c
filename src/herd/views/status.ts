// `herd status`, `herd status SERVICE` and `herd detailed-status`.
import { ProtocolError, type Reply } from "../../protocol/messages.js";
import { decodeOnlyService, decodeServices, type ServiceStatus } from "../../protocol/service-status.js";
import { renderDetail, renderSummary } from "../render/detail.js";
import { serviceToJson } from "../render/json.js";
import { renderOverview } from "../render/overview.js";
import { isRoot, type View } from "./view.js";

export const overview: View = {
  text: ({ result }, _, options) => renderOverview(decodeServices(result), options),
  json: ({ result }) => ({ services: decodeServices(result).map(serviceToJson) }),
};

export const detailedStatus: View = {
  text: ({ result }, _, options) => {
    const blocks = decodeServices(result).map((service) => renderSummary(service, options));
    return blocks.join("");
  },
  json: overview.json,
};

export const status: View = {
  text: (reply, { service }, options) => renderDetail(only(reply, service), options),
  json: (reply, { service }) => serviceToJson(only(reply, service)),
};

function only({ result }: Reply, name: string): ServiceStatus {
  const missing = () => new ProtocolError(`cannot decode reply: it holds no status of ${name}`);
  // Root's status is that of all services.
  if (isRoot(name)) {
    const root = decodeServices(result).find(({ provides }) => provides.includes("root"));
    if (root === undefined) throw missing();
    return root;
  }
  const service = decodeOnlyService(result);
  if (service === undefined) throw missing();
  return service;
}
