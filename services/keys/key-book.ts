import type { ApiKeyEntry, Scope } from '../../libs/config/api-keys.js';

/** One that was created; the key itself is known to nobody but who asked for it. */
export interface StoredKey {
  readonly name: string;
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  readonly createdUs: number;
  readonly expiresUs: number | undefined;
  readonly revokedUs: number | undefined;
}

/** What the keys' topic says at some point of it. */
export interface KeyState {
  /** In the order of their creation. */
  readonly keys: readonly StoredKey[];
  /** The deployment's secret; undefined until its first process has made it. */
  readonly secret: Uint8Array | undefined;
}

export type KeyChange = { readonly kind: 'key'; readonly key: StoredKey } | { readonly kind: 'secret'; readonly secret: Uint8Array };

export const NO_KEYS: KeyState = { keys: [], secret: undefined };

/** Keys in force; as many that were revoked are remembered, the oldest are forgotten first. */
export const KEYS_MAX = 1_000;

/** A fold of the topic's records: of two keys with one name the later holds, of two secrets the first. */
export function applyKeyChange({ keys, secret }: KeyState, change: KeyChange): KeyState {
  if (change.kind === 'secret') return { keys, secret: secret ?? change.secret };
  const { key } = change;
  const at = keys.findIndex(({ name }) => name === key.name);
  // A name that is used again stands for a new key; one that changes keeps its place.
  const next = at >= 0 && keys[at]?.sha256 === key.sha256 ? keys.with(at, key) : [...keys.filter(({ name }) => name !== key.name), key];
  const revoked = next.filter(({ revokedUs }) => revokedUs !== undefined);
  const forgotten = new Set(revoked.slice(0, Math.max(0, revoked.length - KEYS_MAX)));
  return { keys: forgotten.size === 0 ? next : next.filter((candidate) => !forgotten.has(candidate)), secret };
}

export function isInForce({ revokedUs, expiresUs = Number.POSITIVE_INFINITY }: StoredKey, nowUs: number): boolean {
  return revokedUs === undefined && expiresUs > nowUs;
}

/** What an authority needs of them. */
export function entriesOf({ keys }: KeyState): readonly ApiKeyEntry[] {
  return keys
    .filter(({ revokedUs }) => revokedUs === undefined)
    .map(({ sha256, scopes, expiresUs }) => ({ sha256, scopes: new Set(scopes), ...(expiresUs === undefined ? {} : { expiresUs }) }));
}
