import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { isApiKey } from '../config/api-keys.js';
import { folderKeyProof } from '../config/authority.js';
import { isLoopback } from '../config/listen-address.js';
import { readSecret } from '../config/secret-file.js';

const FILE = 'admin.key';
const NONCE_BYTES = 24;
const TIMEOUT_MS = 5_000;
const ANSWER_LENGTH_MAX = 4_096;

/**
 * The admin key of a data folder, for a server on this machine that proves to have it too; undefined where there is none to send.
 * Whoever else listens on that port, or passes the question on to the platform on another one, has no proof, and is sent nothing.
 */
export async function findFolderKey(url: URL, dataDir: string): Promise<string | undefined> {
  if (!isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return undefined;
  const key = readFolderKey(dataDir);
  if (key === undefined) return undefined;
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const port = Number(url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port);
  const expected = folderKeyProof(createHash('sha256').update(key).digest(), nonce, port);
  return isSame(await askProof(url, nonce), expected) ? key : undefined;
}

/** The key of a folder that is certainly the server's, as where this program has started it. */
export function readFolderKey(dataDir: string): string | undefined {
  try {
    const secret = readSecret(join(dataDir, FILE))?.secret;
    return secret !== undefined && isApiKey(secret) ? secret : undefined;
  } catch {
    return undefined; // another user's, which is not for us
  }
}

/** Undefined where there is no answer: the command itself then says so in better words. */
async function askProof({ origin }: URL, nonce: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${origin}/api/v1/identity?nonce=${nonce}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
    });
    const text = response.ok ? await response.text() : '';
    const { proof } = JSON.parse(text.slice(0, ANSWER_LENGTH_MAX)) as { readonly proof?: unknown };
    return typeof proof === 'string' ? proof : undefined;
  } catch {
    return undefined;
  }
}

function isSame(proof: string | undefined, expected: string): boolean {
  const [given, wanted] = [Buffer.from(proof ?? ''), Buffer.from(expected)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
