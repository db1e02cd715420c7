/** A file of a LevelDB is not what was written. Caught within libs/store, which knows the folder. */
export class FileDamage extends Error {
  override readonly name = 'FileDamage';
}

export function requireIntact(isIntact: boolean, what: string): asserts isIntact {
  if (!isIntact) throw new FileDamage(what);
}
