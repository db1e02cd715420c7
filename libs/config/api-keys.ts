import { createHash, randomBytes } from 'node:crypto';
import { configError } from './env.js';

/** What a key may do. `admin` includes the other two. */
export type Scope = 'read' | 'write' | 'admin';

export const SCOPES: readonly Scope[] = ['read', 'write', 'admin'];

/** What a caller may do: a client what its key may, a process of the deployment everything. No key can have `internal`. */
export type GrantedScope = Scope | 'internal';

/** What a method or route asks for; `public` ones answer without a key. */
export type RequiredScope = GrantedScope | 'public';

/** A key as it is kept: never the key itself. */
export interface ApiKeyEntry {
  /** SHA-256 of the key, hex. */
  readonly sha256: string;
  readonly scopes: ReadonlySet<Scope>;
  /** From this instant on it is refused, µs since the epoch; never when absent. */
  readonly expiresUs?: number;
}

/** Who calls. */
export interface Caller {
  /** The first 8 hex digits of the key's SHA-256; absent for who came without, and for processes of the deployment. */
  readonly apiKeyFingerprint?: string;
  readonly scopes: ReadonlySet<GrantedScope>;
}

/** What is known of the other end beside its key; absent at doors that are for clients alone. */
export interface PeerProof {
  /** It showed a certificate that THYME_TLS_CLIENT_CA has signed. */
  readonly hasCertificate: () => boolean;
}

/** Refuses a call that the key does not allow; `required` is undefined for what has no scope, which is refused too. */
export type Authorize = (required: RequiredScope | undefined, key: string | undefined, peer?: PeerProof) => Caller;

const KEY_PREFIX = 'thyme_';
const KEY_BYTES = 32;
/** No key of ours is longer; hashing what a stranger sends is bounded by it. */
export const KEY_LENGTH_MAX = 256;
const KEYS_MAX = 1_000;

/** A new random key, to be shown once, and the entry to keep. */
export function generateApiKey(scopes: readonly Scope[]): { readonly key: string; readonly entry: ApiKeyEntry } {
  const key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  return { key, entry: entryOf(key, scopes) };
}

/** The entry of a key that is known. */
export function entryOf(key: string, scopes: readonly Scope[]): ApiKeyEntry {
  return { sha256: sha256(key).toString('hex'), scopes: new Set(scopes) };
}

/** Whether a text could be one that generateApiKey made. */
export function isApiKey(text: string): boolean {
  return /^thyme_[\w-]{43}$/.test(text);
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

/** The key of an `Authorization: Bearer KEY` header. */
export function bearerKey(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** By which audits and producers tell keys apart. */
export function fingerprintOf(sha256Hex: string): string {
  return sha256Hex.slice(0, 8);
}
