import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiKeyEntry, Authorize } from '../../libs/config/api-keys.js';
import { Authority } from '../../libs/config/authority.js';
import type { TokenKey } from '../../libs/feature/token.js';
import { systemClock } from '../../libs/time/clock.js';

/** What tests tell processes to call one another with, where they call internal methods themselves. */
export const TEST_INTERNAL_KEY = 'internal_key_of_tests_0123456789abcdef';

/** For suites that restart and wipe processes: the admin key that each finds in its folder. */
export const TEST_FOLDER_KEY = `thyme_${'t'.repeat(43)}`;

export const TEST_TOKEN_KEY: TokenKey = () => Buffer.alloc(32, 7);

/** Puts that key into a folder that has none yet. */
export function plantFolderKey(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'admin.key'), `${TEST_FOLDER_KEY}\n`, { mode: 0o600 });
}

/** The admin key that a platform made in its folder; undefined where keys are configured. */
export function folderKeyOf(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'admin.key'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Keys are required, and these are all. */
export function authorizeByKeys(entries: readonly ApiKeyEntry[], internalKey?: string): Authorize {
  return new Authority({ configured: entries, isOpen: false, internalKey: () => internalKey, clock: systemClock }).authorize;
}

/** For a server of a test that is about something else: everybody may do everything that has a scope at all. */
export const authorizeEverybody: Authorize = (required) => {
  if (required === undefined) throw new Error('this method declares no scope');
  return { scopes: new Set(['read', 'write', 'admin', 'internal']) };
};
