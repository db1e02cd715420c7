import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { configError } from './env.js';

/** Secrets are a line; what is larger is some other file. */
const SECRET_LENGTH_MAX = 1_024;

export interface SecretFile {
  readonly secret: string;
  /** Whether other users of the machine may read it. */
  readonly isExposed: boolean;
}

/**
 * The secret in this file; where there is none, `make`'s, readable by its owner alone. Of several processes that start at a time all
 * get the same: it is written whole under another name, and takes its own only where that is still free.
 */
export function readOrMakeSecret(file: string, variable: string, make: () => string): SecretFile {
  try {
    const found = readSecret(file);
    if (found !== undefined) return found;
    mkdirSync(dirname(file), { recursive: true });
    writeNew(file, make());
  } catch (error) {
    throw configError(variable, `'${file}' cannot be made or read: ${codeOf(error)}`);
  }
  const made = readSecret(file);
  if (made === undefined) throw configError(variable, `'${file}' was removed as it was made: start again`);
  return made;
}

/** Undefined where there is no such file. */
export function readSecret(file: string): SecretFile | undefined {
  try {
    const { mode, size } = statSync(file);
    if (size > SECRET_LENGTH_MAX) throw new RangeError('larger than a secret');
    return { secret: readFileSync(file, 'utf8').trim(), isExposed: (mode & 0o077) !== 0 };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function writeNew(file: string, secret: string): void {
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    chmodSync(draft, 0o600); // whatever the umask
    writeSync(descriptor, `${secret}\n`);
    fsyncSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error; // another process was first
  } finally {
    closeSync(descriptor);
    rmSync(draft, { force: true });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
