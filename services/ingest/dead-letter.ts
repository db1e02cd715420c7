import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { NewRecord } from '../../libs/log/log.js';
import { DEAD_RECORD_LENGTH_MAX } from './ingest-limits.js';
import { UnreadableRecord } from './unreadable-record.js';

/** A refused record as its dead-letter topic holds it (S12), as JSON, for people and repair scripts. */
export interface DeadLetter {
  readonly reason: string;
  readonly dataset: string;
  readonly version: number;
  /** When it was refused, RFC 3339. */
  readonly at: string;
  readonly producer_id?: string;
  readonly sequence?: number;
  /** The producer's id as it is stored, with the key that it belongs to (S13): what the mended record is pushed as. */
  readonly stored_producer_id?: string;
  /** Where a source read it, in its system's words. */
  readonly place?: string;
  /** The record as it was sent, as JSON text, cut at DEAD_RECORD_LENGTH_MAX characters. */
  readonly record: string;
  /** Present, and true, where it was cut. */
  readonly truncated?: true;
}

const NO_KEY = new Uint8Array();

export function deadLetterRecord(
  letter: Omit<DeadLetter, 'record' | 'truncated' | 'at'> & { readonly atUs: number },
  input: unknown,
): NewRecord {
  const { atUs, ...rest } = letter;
  const text = textOf(input);
  const truncated = text.length > DEAD_RECORD_LENGTH_MAX;
  const whole: DeadLetter = {
    ...rest,
    at: formatTimestamp(atUs),
    record: text.slice(0, DEAD_RECORD_LENGTH_MAX),
    ...(truncated ? { truncated } : {}),
  };
  return { key: NO_KEY, value: Buffer.from(JSON.stringify(whole)) };
}

function textOf(input: unknown): string {
  if (input instanceof UnreadableRecord) return input.text;
  try {
    return JSON.stringify(input, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '';
  } catch {
    return ''; // nested deeper than the stack: the reason must do
  }
}
