// From the client's command that ends everything until the last service, and the supervisor itself, is gone.

import { Unable } from "../life.js";
import type { Experiment } from "./experiment.js";
import { sleepers } from "./sleepers.js";

export const stop: Experiment = {
  name: "stop",
  scenario: sleepers,
  async measure(life, size) {
    const { services, root, left } = await life.stop((30 + size / 25) * (life.peer.patience ?? 1));
    if (left > 0) throw new Unable(`${left} of ${size} services outlived the stop`);
    return [
      { metric: "stop, services gone, ms", size, value: services },
      ...(root < 0 ? [] : [{ metric: "stop, supervisor gone, ms", size, value: root }]),
    ];
  },
};
