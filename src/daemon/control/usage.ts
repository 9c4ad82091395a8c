// What all services use, for `herd top`: looked up when somebody asks, and never else.

import { pidNamespace } from "../../protocol/pid-namespace.js";
import type { Resources } from "../../protocol/resources.js";
import type { Usage } from "../../protocol/usage.js";
import type { Controller } from "../controller/controller.js";

/** Services that are looked at side by side: each takes three descriptors and a buffer for each of them. */
const atOnce = 8;

export async function usageOfAll(controllers: readonly Controller[]): Promise<Usage> {
  const services = new Map<string, Resources>();
  for (let from = 0; from < controllers.length; from += atOnce) {
    const some = controllers.slice(from, from + atOnce);
    const found = await Promise.all(some.map(usageOfOne));
    for (const [index, { name }] of some.entries()) {
      const resources = found[index];
      if (resources !== undefined) services.set(name, resources);
    }
  }
  const place = pidNamespace();
  return { services, ...(place === undefined ? {} : { pidNamespace: place }) };
}

function usageOfOne(controller: Controller): Promise<Resources | undefined> {
  if (controller.name === "root") return Promise.resolve(ownUsage());
  // What is not up has no cgroup, or an empty one.
  if (controller.state.status === "stopped") return Promise.resolve(undefined);
  return controller.usage().catch(() => undefined);
}

/** Of this process, the supervisor. */
function ownUsage(): Resources {
  const { user, system } = process.cpuUsage();
  return { memory: process.memoryUsage.rss(), cpu: user + system };
}
