// Prints what becomes of the directives of all units of the corpus: `npm run corpus [-- HOW-MANY]`.

import { noCorpus } from "./corpus.js";
import { statisticsOf, statisticsText } from "./statistics.js";
import { corpusUnits } from "./units.js";

async function main(): Promise<void> {
  if (noCorpus !== false) {
    console.log(noCorpus);
    return;
  }
  const cleanups: (() => void)[] = [];
  const context = { after: (cleanup: unknown) => cleanups.push(cleanup as () => void) };
  try {
    const units = await corpusUnits(context as unknown as Parameters<typeof corpusUnits>[0]);
    console.log(statisticsText(statisticsOf(units), Number(process.argv[2] ?? 20)));
  } finally {
    for (const cleanup of cleanups) cleanup();
  }
}

await main();
