// Records with named fields and defaults: how the configurations of services are made. `{ ...other, field }` given to a
// constructor is what Guix's `inherit` is.

import { callSite } from "../../daemon/definition/call-site.js";
import {
  type Check,
  type Checks,
  check,
  checkFields,
  fail,
  type Subject,
} from "../../daemon/definition/check.js";

/** What a constructor takes: the fields that have no default, and any of the others. */
export type Given<Fields extends object, Needed extends keyof Fields = never> = {
  readonly [field in Needed]: Fields[field];
} & { readonly [field in keyof Fields]?: Fields[field] | undefined };

export interface RecordConstructor<Fields extends object, Needed extends keyof Fields> {
  /** @throws DefinitionError that names the place, the record, the field and what was expected */
  (given: Given<Fields, Needed>): Readonly<Fields>;
  /** Whether `value` was made by this constructor. */
  isInstance(value: unknown): value is Readonly<Fields>;
  /** For fields of other records that hold one of these. */
  readonly check: Check<Readonly<Fields>>;
}

/** A constructor whose fields all have defaults can be called without any. */
export interface DefaultedRecordConstructor<Fields extends object> extends RecordConstructor<Fields, never> {
  (given?: Given<Fields>): Readonly<Fields>;
}

/**
 * Makes the constructor of a kind of records.
 *
 * @param name the constructor's name, for messages
 * @param checks what each field must be
 * @param defaults the values of fields that may be left out; all others must be given
 * @param validate looks at the record as a whole, and says what is wrong with it by `fail`
 */
export function recordConstructor<Fields extends object>(
  name: string,
  checks: Checks<Fields>,
  defaults: Readonly<Fields>,
  validate?: (of: Subject, record: Readonly<Fields>) => void,
): DefaultedRecordConstructor<Fields>;
export function recordConstructor<Fields extends object, Needed extends keyof Fields>(
  name: string,
  checks: Checks<Fields>,
  defaults: Readonly<Omit<Fields, Needed>>,
  validate?: (of: Subject, record: Readonly<Fields>) => void,
): RecordConstructor<Fields, Needed>;
export function recordConstructor<Fields extends object>(
  name: string,
  checks: Checks<Fields>,
  defaults: Readonly<Partial<Fields>>,
  validate: (of: Subject, record: Readonly<Fields>) => void = () => undefined,
): DefaultedRecordConstructor<Fields> {
  const made = new WeakSet<object>();
  const isInstance = (value: unknown): value is Readonly<Fields> =>
    typeof value === "object" && value !== null && made.has(value);
  const construct = (given: Partial<Fields> = {}): Readonly<Fields> => {
    const of: Subject = { what: name, position: callSite() };
    const checked = checkFields<Partial<Fields>>(of, given, checks);
    const missing = Object.keys(checks).filter(
      (field) => !Object.hasOwn(checked, field) && !Object.hasOwn(defaults, field),
    );
    if (missing.length > 0)
      fail(
        of,
        `${missing.length === 1 ? "field" : "fields"} ${missing.map((one) => `"${one}"`).join(", ")} missing`,
      );
    const record = Object.freeze({ ...defaults, ...checked }) as Readonly<Fields>;
    validate(of, record);
    made.add(record);
    return record;
  };
  return Object.assign(construct as (given?: Given<Fields>) => Readonly<Fields>, {
    isInstance,
    check: check<Readonly<Fields>>(`a record made by ${name}(…)`, isInstance),
  });
}
