import { FileDamage } from './file-damage.js';

/** What LevelDB says begins with one of these; only some of it has a code. */
const SAID_BY_LEVELDB = /^(Corruption|IO error|NotFound|Invalid argument|Not implemented): /;
/**
 * What the machine lacks at the moment, and no fault of the files. Whatever else keeps LevelDB from reading them (a name in CURRENT
 * that there is no file of, a table cut short, a sector that is gone) comes again at each try.
 */
const CIRCUMSTANCES =
  /No space left on device|Disk quota exceeded|Permission denied|Operation not permitted|Too many open files|Read-only file system|File too large|Cannot allocate memory/;
/** Something else lies where a folder or a file of the store should be, or a sector is gone. */
const DAMAGE_OF_FILES = ['EEXIST', 'ENOTDIR', 'EISDIR', 'EIO'];

/** Whether a write tells of damage: whatever else keeps the disk from taking it, what lies there is as it was. */
export function isDamageAtWrite(error: unknown): boolean {
  return codesOf(error).includes('LEVEL_CORRUPTION');
}

/** Whether a read tells of damage. */
export function isDamage(error: unknown): boolean {
  if (codesOf(error).includes('LEVEL_CORRUPTION')) return true;
  const said = messageOf(error);
  return /^(Corruption|IO error): /.test(said) && !CIRCUMSTANCES.test(said);
}

/** Whether an opening, or a look at the files, tells of damage. A folder that is locked is told apart before. */
export function isDamageAtOpening(error: unknown): boolean {
  if (error instanceof FileDamage || isDamage(error)) return true;
  const said = messageOf(error);
  return (SAID_BY_LEVELDB.test(said) && !CIRCUMSTANCES.test(said)) || codesOf(error).some((code) => DAMAGE_OF_FILES.includes(code));
}

/** `level` wraps what LevelDB said: the codes of the error and of all its causes. */
export function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const codes = codesOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? [error.code, ...codes] : codes;
}

export function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

function messageOf(error: unknown): string {
  const cause = rootCause(error);
  return cause instanceof Error ? cause.message : String(cause);
}
