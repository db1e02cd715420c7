import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { FeaturePlan, InputValues } from '../../libs/feature/feature-plan.js';
import { INPUTS_MAX } from './query-limits.js';

/** Request-time inputs by name, as they came. */
export type GivenInputs = ReadonlyMap<string, unknown>;

const NONE: GivenInputs = new Map();

/** Reads the request-time inputs of rows: those that several rows share, or that rows have not, are read once. */
export class RowInputs {
  readonly #plan: FeaturePlan;
  #last: { readonly given: GivenInputs; readonly values: InputValues } | undefined;

  constructor(plan: FeaturePlan) {
    this.#plan = plan;
  }

  /** INVALID_ARGUMENT names the input as `<place>.<name>`: one that is missing, unknown or misfits. */
  read(given: GivenInputs = NONE, place = 'inputs'): InputValues {
    if (this.#last?.given === given) return this.#last.values;
    if (given.size > INPUTS_MAX) throw invalidArgument(place, `${given.size} are over the limit of ${INPUTS_MAX}: send fewer`);
    try {
      const values = this.#plan.readInputs(given);
      this.#last = { given, values };
      return values;
    } catch (error) {
      throw movedTo(place, error);
    }
  }
}

/** The plan names `inputs.<name>`, since it knows nothing of rows. */
function movedTo(place: string, error: unknown): unknown {
  const [violation] = error instanceof ThymeError ? error.violations : [];
  if (violation === undefined || place === 'inputs') return error;
  return invalidArgument(
    violation.field.replace(/^inputs/, () => place),
    violation.description,
  );
}
