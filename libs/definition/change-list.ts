/** One line of a plan (S19). `breaking` is refused. */
export interface DefinitionChange {
  readonly kind: 'added' | 'changed' | 'removed' | 'needsBackfill' | 'breaking';
  /** `Class` or `Class.member`. */
  readonly place: string;
  readonly message: string;
}

export class Changes {
  readonly #found: DefinitionChange[] = [];

  get found(): readonly DefinitionChange[] {
    return this.#found;
  }

  add(kind: DefinitionChange['kind'], place: string, message: string): void {
    this.#found.push({ kind, place, message });
  }
}

/** Both sides by name: the old ones in their order, then the new ones. */
export function matched<T extends { readonly name: string }>(
  old: readonly T[],
  current: readonly T[],
): readonly (readonly [string, T | undefined, T | undefined])[] {
  const before = new Map(old.map((one) => [one.name, one]));
  const after = new Map(current.map((one) => [one.name, one]));
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => [name, before.get(name), after.get(name)]);
}
