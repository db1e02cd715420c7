import { ThymeError } from '../errors/errors.js';

/** What is wrong with a definition, where, and how to mend it. */
export interface Problem {
  /** `Class` or `Class.member`. */
  readonly place: string;
  readonly message: string;
  readonly fix: string;
}

/** Says what is wrong at a place that the caller knows. */
export type Report = (message: string, fix: string) => void;

/** Ends a gathering that is full. */
class TooManyProblems extends Error {}

/** Gathers problems, so that a commit answers with all of them at once (DESIGN 8). */
export class Problems {
  readonly #found: Problem[] = [];
  #max = Number.POSITIVE_INFINITY;

  get found(): readonly Problem[] {
    return this.#found;
  }

  add(place: string, message: string, fix: string): void {
    if (this.#found.length === this.#max) throw new TooManyProblems();
    this.#found.push({ place, message, fix });
  }

  /** Runs `checks` until they have found so many problems; that there are more is then the last of them. */
  atMost(max: number, checks: () => void): readonly Problem[] {
    this.#max = max;
    try {
      checks();
    } catch (error) {
      if (!(error instanceof TooManyProblems)) throw error;
      this.#found.push({ place: 'module', message: `it has more than ${max} problems`, fix: 'mend these, and ask again' });
    }
    return this.#found;
  }

  at(place: string): Report {
    return (message, fix) => {
      this.add(place, message, fix);
    };
  }
}

/** The refusal of a module with these problems. */
export function definitionsInvalid(problems: readonly Problem[]): ThymeError {
  const lines = problems.map(({ place, message, fix }) => `${place}: ${message}; ${fix}`);
  const violations = problems.map(({ place, message, fix }) => ({ field: place, description: `${message}; ${fix}` }));
  return new ThymeError('THYME_DEFINITIONS_INVALID', 'INVALID_ARGUMENT', lines.join('\n'), violations);
}
