// What src/daemon/start.ts, which Node runs first, leaves for the supervisor that it has compiled and runs.

export interface Loading {
  /** `import()`, which V8 does not offer to code that it finds compiled. */
  import(specifier: string): Promise<unknown>;
  /** The file's name for what V8 has made of the supervisor, and its contents; undefined where there is one. */
  readonly code: { readonly name: string; contents(): Uint8Array } | undefined;
}

const place = Symbol.for("shepherd-ts.loading");

export function leaveLoading(loading: Loading): void {
  Object.defineProperty(globalThis, place, { value: loading });
}

/** Undefined where the supervisor is no bundle. */
export function loading(): Loading | undefined {
  return (globalThis as { readonly [place]?: Loading })[place];
}

/** As `import()`, for what is no part of the supervisor. */
export function importModule(specifier: string): Promise<unknown> {
  return loading()?.import(specifier) ?? import(specifier);
}
