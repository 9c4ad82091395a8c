// Secrets in command lines: what stands for them wherever a command is shown. The program itself gets the true one.

/** What stands where a secret was. */
const mask = "***";

/** What of a constructor's options is about secrets. */
export interface WithSecrets {
  readonly secrets?: readonly string[] | undefined;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The text with every secret replaced; secrets that overlap are replaced together, so that no end of one is left. */
export function masked(text: string, secrets: readonly string[] = []): string {
  let shown = "";
  let last = 0;
  for (const { from, to } of merged(secrets.flatMap((secret) => spansOf(text, secret)))) {
    shown += `${text.slice(last, from)}${mask}`;
    last = to;
  }
  return shown + text.slice(last);
}

function spansOf(text: string, secret: string): readonly Span[] {
  const spans: Span[] = [];
  if (secret === "") return spans;
  for (let from = text.indexOf(secret); from >= 0; from = text.indexOf(secret, from + 1))
    spans.push({ from, to: from + secret.length });
  return spans;
}

function merged(spans: readonly Span[]): readonly Span[] {
  const whole: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const before = whole.at(-1);
    if (before === undefined || span.from > before.to) whole.push(span);
    else if (span.to > before.to) whole[whole.length - 1] = { from: before.from, to: span.to };
  }
  return whole;
}

/** A command as it is shown, noted as a running value and sent to clients. */
export function shownCommand(command: readonly string[], { secrets }: WithSecrets): readonly string[] {
  return secrets === undefined ? command : command.map((word) => masked(word, secrets));
}

/** The secrets that options name, where nobody has looked at these options yet; undefined where there are none. */
export function secretsIn(options: unknown): readonly string[] | undefined {
  const given: unknown =
    typeof options === "object" && options !== null ? Reflect.get(options, "secrets") : undefined;
  const all = Array.isArray(given) ? (given as readonly unknown[]) : [given];
  const secrets = all.filter((one): one is string => typeof one === "string" && one !== "");
  return secrets.length === 0 ? undefined : secrets;
}

/** Messages show no more levels than this, and what refers to itself has no last one. */
const deepest = 4;

/** Any value with every secret in its texts replaced, for messages about what cannot be used. */
export function maskedValue(value: unknown, secrets: readonly string[], depth = 0): unknown {
  if (typeof value === "string") return masked(value, secrets);
  if (typeof value !== "object" || value === null) return value;
  if (depth === deepest) return Array.isArray(value) ? [] : {};
  const inner = (item: unknown): unknown => maskedValue(item, secrets, depth + 1);
  if (Array.isArray(value)) return value.map(inner);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [masked(key, secrets), inner(item)]));
}
