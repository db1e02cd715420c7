import type { BatchLimits, JsonValue, SourceBatch, SourceReader, SourceRow } from '../../../libs/source/connector.js';
import { rulesOf } from '../../../libs/definition/connectors.js';
import { sourceSettings } from '../../../libs/source/source-settings.js';
import { loadConnector, type ContractSource } from './contract-sources.js';

const NEVER = new AbortController().signal;

/** The batches of a reader of its own, from the position on, until so many rows have come. */
export async function readBatches(
  declared: ContractSource,
  position: JsonValue | undefined,
  { rows: wanted, limits }: { readonly rows: number; readonly limits: BatchLimits },
): Promise<readonly SourceBatch[]> {
  const reader = await openReader(declared);
  const batches: SourceBatch[] = [];
  let rows = 0;
  let at = position;
  const reading = new AbortController();
  try {
    // A polled source may find the last rows only at its next poll; a stream is left when it has given them.
    while (rows < wanted) {
      for await (const batch of reader.read(at, limits, reading.signal)) {
        batches.push(batch);
        batch.onCommitted?.();
        rows += batch.rows.length;
        at = throughJson(batch.position);
        if (rows >= wanted && isStream(declared)) break;
      }
    }
    return batches;
  } finally {
    reading.abort();
    await reader.close();
  }
}

/** Positions are kept as JSON. */
export function throughJson(position: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(position)) as JsonValue; // what went in
}

/** By lane, its rows in their order: between lanes a stream may choose. */
export function byLane(rows: readonly SourceRow[]): Readonly<Record<string, readonly unknown[]>> {
  const lanes: Record<string, unknown[]> = {};
  for (const { lane, input } of rows) (lanes[lane] ??= []).push(input);
  return lanes;
}

export async function openReader(declared: ContractSource): Promise<SourceReader> {
  const { source, dataset, variables } = declared;
  const connector = await loadConnector(declared);
  const rules = rulesOf(source);
  if (rules === undefined) throw new Error(`no connector is called '${source.connector}': give its rules`);
  const readFile = (): Promise<string> => Promise.reject(new Error('the contract has no secret files'));
  return connector.open(sourceSettings(source, dataset, rules, { variables, readFile }), NEVER);
}

function isStream({ source }: ContractSource): boolean {
  return rulesOf(source)?.mode === 'push';
}
