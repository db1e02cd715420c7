import type { Step } from '../definition/definitions.js';
import type { Field } from '../schema/value-type.js';

/**
 * Follows what the columns that a stream is partitioned by become, step by step: records whose
 * group is still their key, unmodified, stay where they are and need no re-keying.
 */
export class KeyLineage {
  /** A column's origin; equal numbers hold equal values. */
  #origins: ReadonlyMap<string, number>;
  #partitionedBy: readonly (number | undefined)[];
  #originCount = 0;

  constructor(fields: readonly Field[], keys: readonly string[]) {
    this.#origins = new Map(fields.map(({ name }) => [name, this.#originCount++]));
    this.#partitionedBy = keys.map((key) => this.#origins.get(key));
  }

  /** `after` is the columns behind the step. */
  follow(step: Step, after: readonly Field[]): void {
    const before = this.#origins;
    this.#origins = new Map(after.map(({ name }) => [name, this.#originAfter(step, name, before)]));
  }

  /** Partitions by these columns from here on; gives whether that moves records. */
  moveTo(names: readonly string[]): boolean {
    const wanted = names.map((name) => this.#origins.get(name));
    const stays =
      wanted.length === this.#partitionedBy.length &&
      wanted.every((origin, i) => origin !== undefined && origin === this.#partitionedBy[i]);
    this.#partitionedBy = wanted;
    return !stays;
  }

  #originAfter(step: Step, name: string, before: ReadonlyMap<string, number>): number {
    const made =
      (step.kind === 'assign' && step.columns.some((column) => column.name === name)) ||
      (step.kind === 'transform' && step.adds.some((field) => field.name === name));
    const kept = made ? undefined : before.get(step.kind === 'rename' && name === step.to ? step.from : name);
    return kept ?? this.#originCount++;
  }
}
