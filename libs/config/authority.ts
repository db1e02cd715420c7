import { createHmac, timingSafeEqual } from 'node:crypto';
import { ThymeError } from '../errors/errors.js';
import {
  fingerprintOf,
  generateApiKey,
  KEY_LENGTH_MAX,
  sha256,
  type ApiKeyEntry,
  type Authorize,
  type Caller,
  type GrantedScope,
  type PeerProof,
  type Scope,
} from './api-keys.js';

export interface AuthorityOptions {
  /** Those of the configuration. */
  readonly configured: readonly ApiKeyEntry[];
  /** Whether reads and pushes need no key; what asks for `admin` or `internal` always does. */
  readonly isOpen: boolean;
  /** The key of the data folder, which has scope admin. */
  readonly folderKey?: string | undefined;
  /** What processes of the deployment call with; undefined while it is not known yet. */
  readonly internalKey?: () => string | undefined;
  /** Whether they show a certificate as well. */
  readonly needsPeerCertificate?: boolean;
  readonly clock: { nowUs(): number };
}

interface KnownKey {
  readonly digest: Buffer;
  readonly caller: Caller;
  readonly expiresUs: number;
}

/** Of browsers; beyond that the oldest is forgotten. */
const SESSIONS_MAX = 64;

const NOBODY: Caller = { scopes: new Set() };
const ANYBODY: Caller = { scopes: new Set(['read', 'write']) };
/** Its own fingerprint is of no use to anybody: it says whose call it passes on. */
const PEER: Caller = { scopes: new Set<GrantedScope>(['read', 'write', 'admin', 'internal']) };

/** Who may do what at the doors of one process. What is asked of it is a hash and a look into a map. */
export class Authority {
  readonly #options: AuthorityOptions;
  readonly #fixed: ReadonlyMap<string, KnownKey>;
  readonly #folderDigest: Buffer | undefined;
  readonly #sessions = new Map<string, KnownKey>();
  #stored: ReadonlyMap<string, KnownKey> = new Map();
  #internal: { readonly key: string; readonly digest: Buffer } | undefined;

  constructor(options: AuthorityOptions) {
    this.#options = options;
    this.#folderDigest = options.folderKey === undefined ? undefined : sha256(options.folderKey);
    const folder: readonly ApiKeyEntry[] =
      this.#folderDigest === undefined ? [] : [{ sha256: this.#folderDigest.toString('hex'), scopes: new Set<Scope>(['admin']) }];
    this.#fixed = this.#known([...options.configured, ...folder]);
  }

  /** The keys that were created and not revoked, all of them. */
  replaceStored(entries: readonly ApiKeyEntry[]): void {
    this.#stored = this.#known(entries);
  }

  /** A key of scope admin that this process alone knows, and forgets when it ends. */
  openSession(expiresUs: number): string {
    const { key, entry } = generateApiKey(['admin']);
    for (const [hex, known] of this.#known([{ ...entry, expiresUs }])) this.#sessions.set(hex, known);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) break;
      this.#sessions.delete(oldest);
    }
    return key;
  }

  /** For what servers are given. */
  readonly authorize: Authorize = (required, key, peer) => {
    if (required === undefined) throw denied('this method declares no scope, so nobody may call it');
    if (required === 'public') return NOBODY;
    const caller = this.#callerOf(key, peer);
    if (caller === undefined || (!allows(caller, required) && caller.apiKeyFingerprint === undefined))
      throw unauthenticated(required, this.#folderDigest !== undefined);
    if (!allows(caller, required)) throw denied(required === 'internal' ? INTERNAL_FIX : `this API key has no '${required}' scope`);
    return caller;
  };

  /**
   * Proves to who has the folder's key that this server has it too: an HMAC over his nonce and the port that he called, so that another
   * port cannot pass the proof on as its own. Undefined where there is no such key.
   */
  proveFolderKey(nonce: string, port: number): string | undefined {
    return this.#folderDigest === undefined ? undefined : folderKeyProof(this.#folderDigest, nonce, port);
  }

  #callerOf(key: string | undefined, peer: PeerProof | undefined): Caller | undefined {
    const anybody = this.#options.isOpen ? ANYBODY : undefined;
    if (key === undefined || key.length > KEY_LENGTH_MAX) return anybody;
    const digest = sha256(key);
    if (peer !== undefined && this.#isInternal(digest)) return this.#peerCaller(peer);
    const hex = digest.toString('hex');
    const known = this.#fixed.get(hex) ?? this.#stored.get(hex) ?? this.#sessions.get(hex);
    if (known === undefined || !timingSafeEqual(known.digest, digest)) return anybody;
    if (known.expiresUs > this.#options.clock.nowUs()) return known.caller;
    if (anybody !== undefined) return anybody;
    throw new ThymeError('THYME_KEY_EXPIRED', 'UNAUTHENTICATED', 'this API key has expired: ask for another one');
  }

  #peerCaller({ hasCertificate }: PeerProof): Caller {
    if (this.#options.needsPeerCertificate === true && !hasCertificate())
      throw denied('a process of the deployment must show a certificate that THYME_TLS_CLIENT_CA has signed');
    return PEER;
  }

  #isInternal(digest: Buffer): boolean {
    const key = this.#options.internalKey?.();
    if (key === undefined) return false;
    if (this.#internal?.key !== key) this.#internal = { key, digest: sha256(key) };
    return timingSafeEqual(this.#internal.digest, digest);
  }

  #known(entries: readonly ApiKeyEntry[]): ReadonlyMap<string, KnownKey> {
    const open: readonly GrantedScope[] = this.#options.isOpen ? [...ANYBODY.scopes] : [];
    return new Map(
      entries.map(({ sha256: hex, scopes, expiresUs = Number.POSITIVE_INFINITY }) => [
        hex,
        {
          digest: Buffer.from(hex, 'hex'),
          caller: { apiKeyFingerprint: fingerprintOf(hex), scopes: new Set<GrantedScope>([...scopes, ...open]) },
          expiresUs,
        },
      ]),
    );
  }
}

/** What a server that has the key with this digest answers. */
export function folderKeyProof(digest: Uint8Array, nonce: string, port: number): string {
  return createHmac('sha256', digest).update(`thyme folder key\n${nonce}\n${port}`).digest('base64url');
}

function allows({ scopes }: Caller, required: GrantedScope): boolean {
  return scopes.has(required) || (required !== 'internal' && scopes.has('admin'));
}

function unauthenticated(required: GrantedScope, hasFolderKey: boolean): ThymeError {
  const folder = hasFolderKey
    ? ` of scope '${required}', such as that of admin.key in the platform's data folder, which \`thyme\` finds where THYME_DATA_DIR names it`
    : '';
  const fix = required === 'internal' ? INTERNAL_FIX : `send a valid API key as \`Authorization: Bearer KEY\`${folder}`;
  return new ThymeError('THYME_UNAUTHENTICATED', 'UNAUTHENTICATED', fix);
}

const INTERNAL_FIX =
  "this is for processes of the deployment, which send its internal key: no API key has scope 'internal'; THYME_INTERNAL_KEY must be the same in all of them";

function denied(message: string): ThymeError {
  return new ThymeError('THYME_PERMISSION_DENIED', 'PERMISSION_DENIED', message);
}
