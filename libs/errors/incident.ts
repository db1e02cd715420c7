import { randomBytes } from 'node:crypto';
import { ThymeError } from './errors.js';

const ids = new WeakMap<object, string>();
const ID_BYTES = 6;

/** The id under which an answer and the log name the same failure: always the same for one error object. */
export function incidentOf(error: unknown): string {
  const key = typeof error === 'object' && error !== null ? error : undefined;
  const known = key === undefined ? undefined : ids.get(key);
  if (known !== undefined) return known;
  const id = randomBytes(ID_BYTES).toString('hex');
  if (key !== undefined) ids.set(key, id);
  return id;
}

/**
 * What a caller is told of a failure. What nobody foresaw, and what names this process's disk, brokers or operating system, stays in
 * its log: the answer has the id to look for.
 */
export function toldMessage(error: unknown): string {
  if (!keepsWords(error)) return (error as ThymeError).message; // what keepsWords has seen
  const told = error instanceof ThymeError && error.status !== 'INTERNAL' ? error.told : undefined;
  return `${told ?? 'internal error'}; the server's log has it as ${incidentOf(error)}`;
}

/** Whether the answer hides what the log must then tell. */
export function keepsWords(error: unknown): boolean {
  return !(error instanceof ThymeError) || error.status === 'INTERNAL' || error.told !== undefined;
}
