import { decodeKey } from '../../libs/codec/entity-key.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { NewRecord } from '../../libs/log/log.js';
import { publishedTopic } from '../../libs/pipeline/topics.js';
import type { Row, Value } from '../../libs/schema/value-type.js';
import { compileJsonWriter, compileValueWriter } from '../../libs/schema/write-value.js';

const NO_BYTES = new Uint8Array();

/** A published dataset's rows for consumers that are not Thyme's: a topic of JSON beside the one that pipelines read. */
export interface JsonCopy {
  readonly topic: string;
  encode(row: Row): NewRecord;
  /** Says of this entity, by its key's bytes, that its rows are gone (S26). */
  tombstone(entityKey: Uint8Array): NewRecord;
}

/**
 * The value is an object of the dataset's fields in their order, in the forms of REST answers: timestamps as
 * RFC 3339, dates as ISO text, decimals as text, bytes as base64. The key is the entity: of one key field its value as
 * text, of several an object of them.
 */
export function compileJsonCopy(deployment: string, { name, version, fields, keys }: DatasetDefinition): JsonCopy {
  const columns = fields.map((field) => ({ label: `${JSON.stringify(field.name)}:`, write: compileJsonWriter(field.type) }));
  const keyColumns = keys.flatMap((key) =>
    fields.flatMap((field, index) =>
      field.name === key
        ? [{ index, label: `${JSON.stringify(key)}:`, write: compileJsonWriter(field.type), plain: compileValueWriter(field.type) }]
        : [],
    ),
  );
  const [only] = keyColumns;
  const keyOf = (values: readonly Value[]): string => {
    if (only !== undefined && keyColumns.length === 1) return textOf(only.plain(values[0] ?? null));
    return `{${keyColumns.map(({ label, write }, i) => label + write(values[i] ?? null)).join(',')}}`;
  };
  return {
    topic: publishedTopic(deployment, name, version),
    encode(row) {
      const value = `{${columns.map(({ label, write }, i) => label + write(valueAt(row, i))).join(',')}}`;
      return { key: Buffer.from(keyOf(keyColumns.map(({ index }) => valueAt(row, index)))), value: Buffer.from(value) };
    },
    tombstone: (entityKey) => ({ key: Buffer.from(keyOf(decodeKey(entityKey))), value: NO_BYTES }),
  };
}

function valueAt(row: Row, index: number): Value {
  return row[index] ?? null;
}

function textOf(json: unknown): string {
  return typeof json === 'string' ? json : JSON.stringify(json);
}
