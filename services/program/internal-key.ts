import { createHmac, randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readOrMakeSecret } from '../../libs/config/secret-file.js';
import type { ServeConfig } from './serve-config.js';

/** Under a folder of the user's state: not of a deployment's data, since roles apart have a folder each. */
const FILE = join('thyme', 'internal.key');
const KEY_BYTES = 32;

/**
 * What processes of the deployment call one another with: the configured key; without one, on Kafka, one that follows from the
 * deployment's secret, once that is known; on the embedded log, whose processes are of one machine then, one that the user's
 * processes share.
 */
export function internalKeySource(
  { internalKey, kafka, dataDir, stateDir }: Pick<ServeConfig, 'internalKey' | 'kafka' | 'dataDir' | 'stateDir'>,
  secret: () => Uint8Array | undefined,
): () => string | undefined {
  if (internalKey !== undefined) return () => internalKey;
  if (kafka === undefined) {
    const shared = userKey(stateDir, dataDir);
    return () => shared;
  }
  let derived: { readonly from: Uint8Array; readonly key: string } | undefined;
  return () => {
    const from = secret();
    if (from === undefined) return undefined;
    if (derived?.from !== from) derived = { from, key: keyOf(createHmac('sha256', from).update('thyme internal key').digest()) };
    return derived.key;
  };
}

/** A user without a home that can be written to has the one of the data folder: then roles apart need THYME_INTERNAL_KEY. */
function userKey(stateDir: string | undefined, dataDir: string): string {
  const make = (): string => keyOf(randomBytes(KEY_BYTES));
  try {
    return readOrMakeSecret(join(stateDir ?? join(homedir(), '.local', 'state'), FILE), 'XDG_STATE_HOME', make).secret;
  } catch {
    return readOrMakeSecret(join(dataDir, 'internal.key'), 'THYME_DATA_DIR', make).secret;
  }
}

function keyOf(bytes: Uint8Array): string {
  return `thyme_internal_${Buffer.from(bytes).toString('base64url')}`;
}
