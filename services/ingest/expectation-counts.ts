import type { DatasetDefinition, Expectation } from '../../libs/definition/definitions.js';
import type { Row } from '../../libs/schema/value-type.js';

/** How often an expectation of a dataset was put to an accepted record, and did not hold. Since this process started. */
export interface ExpectationCount {
  readonly dataset: string;
  readonly expectation: Expectation;
  readonly checked: number;
  readonly failed: number;
}

interface Check {
  readonly expectation: Expectation;
  /** Undefined where there is nothing to judge: a range over null. */
  readonly holds: (row: Row) => boolean | undefined;
  checked: number;
  failed: number;
}

/** Counts, and never drops a record: what to do about bad data is for its owner to say. */
export class ExpectationCounts {
  readonly #dataset: string;
  readonly #checks: readonly Check[];

  constructor(dataset: DatasetDefinition, earlier?: ExpectationCounts) {
    this.#dataset = dataset.name;
    const earlierChecks = earlier === undefined ? [] : earlier.#checks;
    this.#checks = dataset.expectations.map((expectation) => {
      const same = earlierChecks.find((check) => JSON.stringify(check.expectation) === JSON.stringify(expectation));
      return { expectation, holds: compileExpectation(expectation, dataset), checked: same?.checked ?? 0, failed: same?.failed ?? 0 };
    });
  }

  count(row: Row): void {
    for (const check of this.#checks) {
      const holds = check.holds(row);
      if (holds === undefined) continue;
      check.checked++;
      if (!holds) check.failed++;
    }
  }

  snapshot(): readonly ExpectationCount[] {
    return this.#checks.map(({ expectation, checked, failed }) => ({ dataset: this.#dataset, expectation, checked, failed }));
  }
}

/** In words, such as `amount between 0.01 and 50000`. */
export function describeExpectation(expectation: Expectation): string {
  if (expectation.kind === 'notNull') return `${expectation.field} not null`;
  const { field, min, max } = expectation;
  if (min === undefined) return `${field} at most ${max ?? Number.POSITIVE_INFINITY}`;
  return max === undefined ? `${field} at least ${min}` : `${field} between ${min} and ${max}`;
}

function compileExpectation(expectation: Expectation, dataset: DatasetDefinition): Check['holds'] {
  const column = dataset.fields.findIndex((field) => field.name === expectation.field);
  switch (expectation.kind) {
    case 'notNull':
      return (row) => (row[column] ?? null) !== null;
    case 'between': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = expectation;
      return (row) => {
        const value = row[column] ?? null;
        if (value === null) return undefined;
        const number = Number(value); // a decimal is text
        return min <= number && number <= max;
      };
    }
  }
}
