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

/** Gathers problems, so that a commit answers with all of them at once (DESIGN 8). */
export class Problems {
  readonly #found: Problem[] = [];

  get found(): readonly Problem[] {
    return this.#found;
  }

  add(place: string, message: string, fix: string): void {
    this.#found.push({ place, message, fix });
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
