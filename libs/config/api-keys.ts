import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ThymeError } from '../errors/errors.js';
import { configError } from './env.js';

/** What a key may do. `admin` includes the other two. */
export type Scope = 'read' | 'write' | 'admin';

export const SCOPES: readonly Scope[] = ['read', 'write', 'admin'];

/** What a method or route asks for; `public` ones answer without a key. */
export type RequiredScope = Scope | 'public';

/** A key as it is kept: never the key itself. */
export interface ApiKeyEntry {
  /** SHA-256 of the key, hex. */
  readonly sha256: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Who calls. */
export interface Caller {
  /** The first 8 hex digits of the key's SHA-256; absent where keys are not in use. */
  readonly apiKeyFingerprint?: string;
  readonly scopes: ReadonlySet<Scope>;
}

/** Refuses a call that the key does not allow; `required` is undefined for what has no scope, which is refused too. */
export type Authorize = (required: RequiredScope | undefined, key: string | undefined) => Caller;

const KEY_PREFIX = 'thyme_';
const KEY_BYTES = 32;
/** No key of ours is longer; hashing what a stranger sends is bounded by it. */
const KEY_LENGTH_MAX = 256;
const KEYS_MAX = 1_000;

const NOBODY: Caller = { scopes: new Set() };
const EVERYBODY: Caller = { scopes: new Set(SCOPES) };

/** A new random key, to be shown once, and the entry to keep. */
export function generateApiKey(scopes: readonly Scope[]): { readonly key: string; readonly entry: ApiKeyEntry } {
  const key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  return { key, entry: { sha256: sha256(key).toString('hex'), scopes: new Set(scopes) } };
}

/** `<sha256 hex>:read+write`, the form in which entries are configured. */
export function formatApiKeyEntry({ sha256: digest, scopes }: ApiKeyEntry): string {
  return `${digest}:${SCOPES.filter((scope) => scopes.has(scope)).join('+')}`;
}

/** Reads entries in that form; `variable` is what an error names. */
export function parseApiKeyEntries(texts: readonly string[], variable: string): readonly ApiKeyEntry[] {
  if (texts.length > KEYS_MAX) throw configError(variable, `holds ${texts.length} keys; at most ${KEYS_MAX} are allowed`);
  return texts.map((text, i) => {
    const match = /^([0-9a-f]{64}):([a-z+]+)$/.exec(text);
    const names = match?.[2]?.split('+') ?? [];
    const scopes = SCOPES.filter((scope) => names.includes(scope));
    // The text is not shown: somebody may have put the key itself there.
    if (match?.[1] === undefined || scopes.length !== names.length) {
      throw configError(variable, `entry ${i + 1} is not '<sha256 in hex>:<scopes joined by +>', with scopes from ${SCOPES.join(', ')}`);
    }
    return { sha256: match[1], scopes: new Set(scopes) };
  });
}

/** Checks keys against the entries, in a time that does not depend on which one matches. */
export function authorizeByKeys(entries: readonly ApiKeyEntry[]): Authorize {
  const known = entries.map(({ sha256: digest, scopes }) => ({ digest: Buffer.from(digest, 'hex'), scopes }));
  return (required, key) => {
    if (required === undefined) throw withoutScope();
    if (required === 'public') return NOBODY;
    const digest = sha256((key ?? '').slice(0, KEY_LENGTH_MAX));
    let scopes: ReadonlySet<Scope> | undefined;
    for (const entry of known) {
      if (timingSafeEqual(entry.digest, digest)) scopes = entry.scopes;
    }
    if (key === undefined || key.length > KEY_LENGTH_MAX || scopes === undefined) {
      throw new ThymeError('THYME_UNAUTHENTICATED', 'UNAUTHENTICATED', 'send a valid API key as `Authorization: Bearer KEY`');
    }
    if (!scopes.has(required) && !scopes.has('admin')) {
      throw new ThymeError('THYME_PERMISSION_DENIED', 'PERMISSION_DENIED', `this API key has no '${required}' scope`);
    }
    return { apiKeyFingerprint: fingerprintOf(digest), scopes };
  };
}

/** For a server on the loopback address without keys: everybody may do everything that has a scope at all. */
export const authorizeEverybody: Authorize = (required) => {
  if (required === undefined) throw withoutScope();
  return EVERYBODY;
};

/** The key of an `Authorization: Bearer KEY` header. */
export function bearerKey(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

function withoutScope(): ThymeError {
  return new ThymeError('THYME_PERMISSION_DENIED', 'PERMISSION_DENIED', 'this method declares no scope, so nobody may call it');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function fingerprintOf(digest: Buffer): string {
  return digest.toString('hex').slice(0, 8);
}
