// Warnings about a configuration: what is odd in it, but can be.

/** Said on standard error, where whoever builds the system sees it. */
export function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}
