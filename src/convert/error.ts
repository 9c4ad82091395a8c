// Why something cannot be converted.

/** A request that makes no sense, or a file or unit that is not there or cannot be used. The message is complete. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
}

/** A place in a file that is converted. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

export function fail(place: Place, text: string): never {
  throw new ConversionError(`${placeText(place)}: ${text}`);
}
