import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** `sha256-` and 64 hexadecimal digits: two files with the same bytes are the same file, whatever they are called. */
export async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return `sha256-${hash.digest('hex')}`;
}
