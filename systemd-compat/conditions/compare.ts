// Comparisons in conditions: operators, numbers, versions.

export type Operator = "<" | "<=" | "=" | "!=" | ">=" | ">";

/** An operator in front of a text; undefined where there is none. */
export function takeOperator(
  text: string,
): { readonly operator: Operator; readonly rest: string } | undefined {
  const [written] = /^(?:<=|>=|!=|==|<|>|=)/.exec(text) ?? [];
  if (written === undefined) return undefined;
  const operator = written === "==" ? "=" : (written as Operator);
  return { operator, rest: text.slice(written.length).replace(/^[ \t]+/, "") };
}

/** Whether an order of two things (negative, zero, positive) is what the operator says. */
export function holds(order: number, operator: Operator): boolean {
  switch (operator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case ">=":
      return order >= 0;
    case ">":
      return order > 0;
  }
}

/**
 * The order of two versions, as the UAPI Group's version format specification has it: numbers by their value, words by their
 * letters, `~` before everything, then the end, `-`, `^`, `.`.
 */
export function compareVersions(first: string, second: string): number {
  let a = first;
  let b = second;
  for (;;) {
    // Characters that no version has are nothing.
    a = a.replace(/^[^A-Za-z0-9~.^-]+/, "");
    b = b.replace(/^[^A-Za-z0-9~.^-]+/, "");
    for (const separator of ["~", "", "-", "^", "."]) {
      const hasA = separator === "" ? a === "" : a.startsWith(separator);
      const hasB = separator === "" ? b === "" : b.startsWith(separator);
      if (hasA !== hasB) return hasA ? -1 : 1;
      if (!hasA) continue;
      if (separator === "") return 0;
      a = a.slice(1);
      b = b.slice(1);
      // The rest of a version goes on after a separator.
      break;
    }
    if (/^\d/.test(a) || /^\d/.test(b)) {
      const [digitsA = ""] = /^\d*/.exec(a) ?? [];
      const [digitsB = ""] = /^\d*/.exec(b) ?? [];
      const order = compareNumbers(digitsA, digitsB);
      if (order !== 0) return order;
      a = a.slice(digitsA.length);
      b = b.slice(digitsB.length);
    } else {
      const [lettersA = ""] = /^[A-Za-z]*/.exec(a) ?? [];
      const [lettersB = ""] = /^[A-Za-z]*/.exec(b) ?? [];
      if (lettersA !== lettersB) return lettersA < lettersB ? -1 : 1;
      a = a.slice(lettersA.length);
      b = b.slice(lettersB.length);
    }
  }
}

/** Numbers of any length; a number is more than none. */
function compareNumbers(a: string, b: string): number {
  const [trimmedA, trimmedB] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  if (trimmedA.length !== trimmedB.length) return trimmedA.length - trimmedB.length;
  if (trimmedA === trimmedB) return 0;
  return trimmedA < trimmedB ? -1 : 1;
}
