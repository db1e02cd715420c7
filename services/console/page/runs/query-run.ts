import { parseTimestamp } from '../../../../libs/time/timestamp.js';
import { countText, instantText, valueText } from '../words.js';

export interface QueryRun {
  readonly id: string;
  readonly featureset: string;
  readonly entity_ids: readonly unknown[];
  readonly entity_count: number;
  readonly requested_timestamp: string | null;
  readonly as_of: string | null;
  readonly known_at: string | null;
  readonly kind: 'online' | 'batch' | 'offline' | 'lookup';
  readonly row_count: number;
  readonly hit_count: number;
  readonly latency_ms: number;
  readonly api_key_fingerprint: string | null;
  readonly error: string | null;
  readonly had_inputs: boolean;
  readonly created_at: string;
}

const ENTITIES_SHOWN = 3;

export function entitiesText({ entity_ids, entity_count }: QueryRun): string {
  const distinct = [...new Set(entity_ids.map(valueText))];
  const shown = distinct.slice(0, ENTITIES_SHOWN).join(' · ');
  if (entity_count <= entity_ids.length && distinct.length <= ENTITIES_SHOWN) return shown;
  return `${shown}, in all ${countText(entity_count)}`;
}

/** As of when it was asked, in words. */
export function asOfText({ kind, requested_timestamp }: QueryRun): string {
  if (kind === 'offline') return 'each row its own';
  return requested_timestamp === null ? 'now' : instantOf(requested_timestamp);
}

export function instantOf(text: string): string {
  return instantText(parseTimestamp(text));
}
