// npm run bench -- [NAME...]: measures, prints figures, asserts nothing. Without a name: all of them.

import { suiteScope } from "../test/support/harness.js";
import { recovery } from "./recovery.js";
import { store } from "./store.js";
import { upgrade } from "./upgrade.js";

/** Each prints its own table. */
const benches: Readonly<Record<string, (scope: ReturnType<typeof suiteScope>) => Promise<void>>> = {
  recovery,
  store,
  upgrade,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benches);
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined)
    throw new Error(`no bench "${name}"; there are: ${Object.keys(benches).join(", ")}`);
  const scope = suiteScope();
  try {
    process.stdout.write(`== ${name}\n`);
    await bench(scope);
  } finally {
    await scope.close();
  }
}
