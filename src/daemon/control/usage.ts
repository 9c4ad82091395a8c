// What all services use, for `herd top`: looked up when somebody asks, and never else.

import { pidNamespace } from "../../protocol/pid-namespace.js";
import type { Resources } from "../../protocol/resources.js";
import type { Usage } from "../../protocol/usage.js";
import type { Controller } from "../controller/controller.js";

export async function usageOfAll(controllers: readonly Controller[]): Promise<Usage> {
  const found = await Promise.all(
    controllers.map(async (controller) => [controller.name, await usageOfOne(controller)] as const),
  );
  const services = new Map<string, Resources>();
  for (const [name, resources] of found) if (resources !== undefined) services.set(name, resources);
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
