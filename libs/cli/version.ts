import { readFileSync } from 'node:fs';
import { ownFile } from './own-file.js';

/** Of this package. */
export const VERSION = (JSON.parse(readFileSync(ownFile('package.json'), 'utf8')) as { readonly version: string }).version;
