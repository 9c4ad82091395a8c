// Prints the hash of the sample system's directory, for the test that builds it in another process.

import { hashOfTree } from "../../src/services/files/tree.js";
import { systemTree } from "../../src/services/system-directory.js";
import { sampleSystem } from "./sample-system.js";

console.log(hashOfTree(systemTree(sampleSystem())));
