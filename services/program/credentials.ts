import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { generateApiKey, isApiKey } from '../../libs/config/api-keys.js';
import { Authority } from '../../libs/config/authority.js';
import { configError } from '../../libs/config/env.js';
import { readOrMakeSecret } from '../../libs/config/secret-file.js';
import type { TokenKey } from '../../libs/feature/token.js';
import { entriesOf, type KeyState } from '../keys/key-book.js';
import { secretUnknown } from '../keys/key-errors.js';
import { internalKeySource } from './internal-key.js';
import type { Telemetry } from './telemetry.js';
import type { ServeConfig } from './serve-config.js';

/** What a process goes by when it is called, and what it calls others with. */
export interface Credentials {
  readonly authority: Authority;
  /** Undefined while it is not known yet. */
  readonly internalKey: () => string | undefined;
  readonly tokenKey: TokenKey;
  /** The data folder's key; undefined where keys are configured. */
  readonly folderKey: string | undefined;
  /** What the keys' topic says, from now on. */
  apply(state: KeyState): void;
}

export const FOLDER_KEY_FILE = 'admin.key';

export function openCredentials(config: ServeConfig, { clock, logger }: Pick<Telemetry, 'clock' | 'logger'>): Credentials {
  let secret: Uint8Array | undefined;
  let tokenKey: Uint8Array | undefined;
  const folderKey = config.apiKeys.length > 0 ? undefined : readFolderKey(config.dataDir, logger);
  const internalKey = internalKeySource(config, () => secret);
  const authority = new Authority({
    configured: config.apiKeys,
    isOpen: !config.keysRequired,
    folderKey,
    internalKey,
    needsPeerCertificate: config.tls?.clientCa !== undefined,
    clock,
  });
  return {
    authority,
    internalKey,
    folderKey,
    tokenKey: () => {
      if (tokenKey === undefined) throw secretUnknown();
      return tokenKey;
    },
    apply(state) {
      authority.replaceStored(entriesOf(state));
      if (state.secret === undefined || state.secret === secret) return;
      secret = state.secret;
      tokenKey = createHmac('sha256', secret).update('thyme tokens').digest();
    },
  };
}

/** Made at the first start, and never told to anybody: who may read the folder is admin. */
function readFolderKey(dataDir: string, logger: Telemetry['logger']): string {
  const { secret, isExposed } = readOrMakeSecret(join(dataDir, FOLDER_KEY_FILE), 'THYME_DATA_DIR', () => generateApiKey(['admin']).key);
  if (!isApiKey(secret)) throw configError('THYME_DATA_DIR', `its ${FOLDER_KEY_FILE} holds no key: remove the file, and another is made`);
  if (isExposed) logger.warn(`other users of this machine can read ${FOLDER_KEY_FILE}: take that from them, and make a new one`);
  return secret;
}
