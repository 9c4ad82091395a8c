// What the user may have meant by a name that does not exist.

/** Longer names are no slips of the pen, and comparing them takes time. */
const longest = 64;

/** `; did you mean "NAME"?` with the known name most like `given`; empty where none is like it. */
export function suggestion(given: string, known: readonly string[]): string {
  if (given.length > longest) return "";
  const wanted = given.toLowerCase();
  const [best] = known
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  // In a short word a few changes make any other word.
  const most = Math.min(3, Math.max(1, Math.floor(given.length / 3)));
  return best !== undefined && best.distance <= most ? `; did you mean "${best.name}"?` : "";
}

/** `env` for `environmentVariables` is as near as a slip of one letter. */
function distanceOf(given: string, name: string): number {
  return given.length >= 3 && name.startsWith(given) ? 1 : editDistance(given, name);
}

/** Levenshtein's, of short names. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
