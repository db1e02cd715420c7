import { parseApiKeyEntries, type ApiKeyEntry } from '../../libs/config/api-keys.js';
import { configError, type Env } from '../../libs/config/env.js';
import { parseHostNames } from '../../libs/config/host-names.js';
import { isLoopbackTarget } from '../../libs/config/listen-address.js';
import type { PeerTls } from '../../libs/config/tls-files.js';

/** Who may do what, and by which names a process is asked (SECURITY.md). */
export interface AccessConfig {
  /** Those of the environment; others are created as the platform runs. */
  readonly apiKeys: readonly ApiKeyEntry[];
  /** Whether reads and pushes need a key too. */
  readonly keysRequired: boolean;
  /** What commands use that this program runs beside its platform, as `thyme dev` does. */
  readonly clientKey: string | undefined;
  /** What processes of the deployment call each other with; where it is absent, internal-key.ts finds one. */
  readonly internalKey: string | undefined;
  /** Where the user's programs keep what outlives them; `~/.local/state` when absent. */
  readonly stateDir: string | undefined;
  /** Names beyond those of loopback and the addresses that connections come to. */
  readonly allowedHosts: readonly string[];
  /** What is unsafe is done all the same. */
  readonly insecure: boolean;
}

/** 32 characters of base64 are 192 bits, of hex 128. */
const INTERNAL_KEY_LENGTH_MIN = 32;
const INTERNAL_KEY_LENGTH_MAX = 256;

export function readAccess(env: Env, insecure: boolean): AccessConfig {
  const apiKeys = parseApiKeyEntries(env.list('THYME_API_KEYS'), 'THYME_API_KEYS');
  const keys = env.oneOf('THYME_KEYS', ['open', 'required'], { fallback: apiKeys.length > 0 ? 'required' : 'open' });
  if (keys === 'open' && apiKeys.length > 0)
    throw configError('THYME_KEYS', "'open' does not go with THYME_API_KEYS: whoever was given no key could read and push");
  return {
    apiKeys,
    keysRequired: keys === 'required',
    clientKey: env.optional('THYME_API_KEY'),
    internalKey: readInternalKey(env),
    stateDir: env.optional('XDG_STATE_HOME'),
    allowedHosts: parseHostNames(env.list('THYME_ALLOWED_HOSTS'), 'THYME_ALLOWED_HOSTS'),
    insecure,
  };
}

function readInternalKey(env: Env): string | undefined {
  const key = env.optional('THYME_INTERNAL_KEY');
  if (key === undefined || (key.length >= INTERNAL_KEY_LENGTH_MIN && key.length <= INTERNAL_KEY_LENGTH_MAX && /^[\x21-\x7e]+$/.test(key)))
    return key;
  // It is not shown, however wrong.
  throw configError(
    'THYME_INTERNAL_KEY',
    `must have ${INTERNAL_KEY_LENGTH_MIN} to ${INTERNAL_KEY_LENGTH_MAX} printable characters without spaces, as \`openssl rand -base64 32\` makes them`,
  );
}

/** Peers on other machines must be told a key, and be spoken to by TLS. */
export function checkPeerKey(
  {
    internalKey,
    insecure,
    peerTls,
    kafka,
  }: Pick<AccessConfig, 'internalKey' | 'insecure'> & { readonly peerTls: PeerTls | undefined; readonly kafka: object | undefined },
  targets: readonly (string | undefined)[],
): void {
  const remote = targets.find((target) => target !== undefined && !isLoopbackTarget(target));
  if (remote === undefined) return;
  if (internalKey === undefined && kafka === undefined)
    throw configError('THYME_INTERNAL_KEY', `must be set, to the same in all processes, where one of them is at ${remote}`);
  if (peerTls === undefined && !insecure)
    throw configError(
      'THYME_TLS_CA',
      `must be set where a process at ${remote} is called: the internal key is not sent in plain text to another machine, unless --insecure says so`,
    );
}
