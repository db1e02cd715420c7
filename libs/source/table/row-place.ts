import type { JsonValue } from '../connector.js';
import { SourceError } from '../source-error.js';

/** A row's place in the order of the table: the cursor's text and the key's texts, exact, never a Date or a Number. */
export interface RowPlace {
  readonly cursor: string;
  readonly key: readonly string[];
}

export function placeJson({ cursor, key }: RowPlace): JsonValue {
  return [cursor, ...key];
}

export function placeOf(value: JsonValue): RowPlace {
  const [cursor = '', ...key] = listOf(value).map(String);
  return { cursor, key };
}

export function textAt(entry: JsonValue, at: number): string {
  const value = listOf(entry)[at];
  if (typeof value === 'string') return value;
  throw brokenPosition();
}

export function listOf(value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw brokenPosition();
}

export function membersOf(value: JsonValue): Readonly<Record<string, JsonValue | undefined>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, JsonValue>>;
  throw brokenPosition();
}

export function brokenPosition(): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_POSITION', 'the stored position of the source is not one of a table');
}
