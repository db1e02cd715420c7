import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { connectors } from '../../libs/definition/connectors.js';
import type { Field, ValueType } from '../../libs/schema/value-type.js';
import type { JsonValue, SourceReader, SourceRow } from '../../libs/source/connector.js';
import { icebergConnector } from '../../libs/source/iceberg/iceberg-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import { sourceSettings, type SourceSettings } from '../../libs/source/source-settings.js';

/** `{ n: 'int', name: 'string?' }`: a question mark makes it optional. */
export function fieldsOf(words: Readonly<Record<string, string | ValueType>>): readonly Field[] {
  return Object.entries(words).map(([name, word]) => {
    if (typeof word !== 'string') return { name, type: word };
    const kind = word.replace('?', '') as 'int'; // a scalar's
    return { name, type: { kind, optional: word.endsWith('?') } };
  });
}

export function icebergSettings(
  config: SourceDefinition['config'],
  fields: readonly Field[],
  rowKey?: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): SourceSettings {
  const cdc = rowKey === undefined ? {} : { cdc: { mode: 'upsert' as const, rowKey } };
  const [first] = fields;
  const dataset: DatasetDefinition = {
    name: 'Rows',
    version: 1,
    fields,
    keys: [first?.name ?? ''],
    timestamp: fields.find(({ type }) => type.kind === 'timestamp')?.name ?? '',
    index: false,
    publish: false,
    maxFutureUs: 600e6,
    expectations: [],
    ...cdc,
  };
  const rules = connectors.get('iceberg');
  if (rules === undefined) throw new Error('iceberg has no rules');
  const source: SourceDefinition = {
    dataset: 'Rows',
    connector: 'iceberg',
    config,
    everyUs: 5e6,
    cdc: rowKey === undefined ? 'append' : 'upsert',
  };
  return sourceSettings(source, dataset, rules, { variables, readFile: () => Promise.reject(new Error('no file')) });
}

/** Reads a table as the runner does, poll by poll, each position through JSON. */
export class IcebergPolls {
  position: JsonValue | undefined;
  readonly #reader: SourceReader;
  readonly #rowsMax: number;

  private constructor(reader: SourceReader, rowsMax: number) {
    this.#reader = reader;
    this.#rowsMax = rowsMax;
  }

  static async open(settings: SourceSettings, rowsMax = 2_000): Promise<IcebergPolls> {
    return new IcebergPolls(await icebergConnector(systemClock).open(settings, new AbortController().signal), rowsMax);
  }

  async poll(): Promise<readonly SourceRow[]> {
    const rows: SourceRow[] = [];
    const limits = { rowsMax: this.#rowsMax, bytesMax: 4_194_304 };
    for await (const batch of this.#reader.read(this.position, limits, new AbortController().signal)) {
      rows.push(...batch.rows);
      this.position = JSON.parse(JSON.stringify(batch.position)) as JsonValue;
    }
    return rows;
  }

  async inputs(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.poll()).map(({ input }) => input as Readonly<Record<string, unknown>>); // or UnreadableRow, which a test looks at
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
