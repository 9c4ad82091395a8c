// Activates the system in a directory, for tests of systems inside of namespaces: what fails is printed.

import { activate } from "../../src/services/activation/activate.js";

const [directory = "/run/current-system"] = process.argv.slice(2);
const failures = await activate(directory, { log: (line) => console.error(line) });
process.exitCode = failures.length === 0 ? 0 : 1;
