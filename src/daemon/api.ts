// The public module `shepherd-ts`: what configuration modules import. It is the core, and Shepherd's own services, which
// are made with the core alone. What is new to the API belongs into one of the two.

export * from "../services/index.js";
export * from "./core.js";
