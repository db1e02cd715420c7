import type { Revision } from '../../libs/definition/revision.js';

/** Where the tasks learn of commits; the registry's history is one. */
export interface RevisionFeed {
  /** Revisions above this number, in order. Of many, only the last few: each stands for all before it. */
  after(number: number): readonly Revision[];
  /** The one with this number, however old. */
  get(number: number): Promise<Revision>;
  /** Resolves when there is a newer one, or when the signal aborts. */
  waitForNewer(number: number, signal: AbortSignal): Promise<void>;
}

/** A feed that is told: for tests, and for a registry in the same process. */
export class RevisionList implements RevisionFeed {
  readonly #revisions: Revision[] = [];
  readonly #waiting = new Set<() => void>();

  /** Revisions are added in order of their numbers; one that is there already is left alone. */
  add(revision: Revision): void {
    if ((this.#revisions.at(-1)?.number ?? 0) >= revision.number) return;
    this.#revisions.push(revision);
    for (const wake of [...this.#waiting]) wake();
  }

  get(number: number): Promise<Revision> {
    const found = this.#revisions.find((revision) => revision.number === number);
    return found === undefined ? Promise.reject(new RangeError(`there is no revision ${number}`)) : Promise.resolve(found);
  }

  after(number: number): readonly Revision[] {
    return this.#revisions.filter((revision) => revision.number > number);
  }

  waitForNewer(number: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.after(number).length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
