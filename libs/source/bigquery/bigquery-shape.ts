import type { BigQuery } from '@google-cloud/bigquery';
import type { DatasetDefinition } from '../../definition/definitions.js';
import { describeType } from '../../schema/value-type.js';
import { SourceError } from '../source-error.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { listedNames, missingColumn, shapeError } from '../table/table-words.js';
import { type OrderColumn, ROW, type SelectShape } from '../table/table-sql.js';
import { type DecodeWire, decoderOf, describeColumn, sqlTypeOf, type WireField } from './bigquery-values.js';

export interface FilledField {
  /** As the dataset calls it. */
  readonly name: string;
  readonly column: WireField;
  readonly decode: DecodeWire;
}

/** A table or view, as its metadata and the dataset's fields have it together. */
export interface BigQueryShape extends SelectShape {
  readonly projectId: string;
  readonly datasetId: string;
  readonly tableId: string;
  /** For people: `shop.orders`. */
  readonly words: string;
  readonly fields: readonly FilledField[];
  /** All of the columns, in their order. */
  readonly columns: readonly WireField[];
  /** Whether its rows can be listed without a query. */
  readonly isTable: boolean;
}

/** As the service's reference draws it, as far as it is looked at here. */
interface TableMetadata {
  readonly type?: string;
  readonly schema?: { readonly fields?: readonly WireField[] };
  readonly tableConstraints?: { readonly primaryKey?: { readonly columns?: readonly string[] } };
}

const CURSORS = ['TIMESTAMP', 'DATETIME', 'DATE'];
const KEYS = ['INT64', 'STRING', 'NUMERIC', 'BIGNUMERIC', 'BOOL', 'BYTES', ...CURSORS];

/** Throws a SourceError that names what is missing, or does not fit. */
export async function readShape(client: BigQuery, settings: SourceSettings): Promise<BigQueryShape> {
  const { dataset, source, parameters } = settings;
  const place = placeOf(settings, client.projectId);
  const words = `${place.datasetId}.${place.tableId}`;
  const [given] = (await client
    .dataset(place.datasetId, { projectId: place.projectId })
    .table(place.tableId)
    .getMetadata()) as readonly TableMetadata[]; // the library says any
  const columns = given?.schema?.fields ?? [];
  if (columns.length === 0) throw shapeError(`${words} has no columns`);
  const named = (name: string): WireField => {
    const column = columnNamed(columns, name);
    if (column === undefined)
      throw missingColumn(
        words,
        name,
        columns.map((one) => one.name),
      );
    return column;
  };
  const key = parameters.get('key') === undefined ? given?.tableConstraints?.primaryKey?.columns : listedNames(parameters.get('key') ?? '');
  if (key === undefined || key.length === 0)
    throw shapeError(
      `${words} has no primary key: name columns that tell its rows apart, as in bigquery({ datasetId: '${place.datasetId}', table: '${place.tableId}', key: 'id' })`,
    );
  const fields = dataset.fields.flatMap((field) => filledField(field, columnNamed(columns, field.name), { dataset, words }));
  return {
    ...place,
    words,
    sqlName: [place.projectId, place.datasetId, place.tableId].map(quoted).join('.'),
    cursor: orderColumn(named(source.cursor ?? ''), CURSORS, { words, role: 'the cursor' }),
    key: key.map((name) => orderColumn(named(name), KEYS, { words, role: 'of the key' })),
    fields,
    selected: fields.map(({ column }) => `${ROW}.${quoted(column.name)}`),
    columns,
    isTable: given?.type === 'TABLE',
  };
}

/** An identifier in SQL; names that hold what would end it were refused (placeOf), and the service has none in columns. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** Columns are told apart without regard to case. */
function columnNamed(columns: readonly WireField[], name: string): WireField | undefined {
  return columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

function placeOf(settings: SourceSettings, clientProject: string): Pick<BigQueryShape, 'projectId' | 'datasetId' | 'tableId'> {
  const given = textParameter(settings, 'datasetId');
  const dot = given.lastIndexOf('.');
  const place = {
    projectId: dot < 0 ? clientProject : given.slice(0, dot),
    datasetId: given.slice(dot + 1),
    tableId: textParameter(settings, 'table'),
  };
  const isRight =
    /^[\w:.-]+$/.test(place.projectId) && /^\w+$/.test(place.datasetId) && /^[\p{L}\p{M}\p{N}\p{Pc}\p{Pd} ]+$/u.test(place.tableId);
  if (isRight) return place;
  throw new SourceError(
    'stop',
    'THYME_SOURCE_PARAMETER',
    `the bigquery source of ${settings.source.dataset}: '${given}' and '${place.tableId}' are no names of a dataset (or project.dataset) and of a table in it`,
  );
}

interface OrderWords {
  readonly words: string;
  readonly role: string;
}

function orderColumn(column: WireField, types: readonly string[], { words, role }: OrderWords): OrderColumn {
  const type = describeColumn(column);
  if (!types.includes(type)) throw shapeError(`${words}.${column.name} is ${type}, and ${role} has to be one of ${types.join(', ')}`);
  if (column.collation !== undefined && column.collation !== '')
    throw shapeError(
      `${words}.${column.name} has the collation ${column.collation}, by which texts that differ are one: use another column for ${role}`,
    );
  return { name: column.name, sqlType: sqlTypeOf(column) };
}

type Field = DatasetDefinition['fields'][number];

function filledField(
  { name, type }: Field,
  column: WireField | undefined,
  { dataset, words }: { readonly dataset: DatasetDefinition; readonly words: string },
): readonly FilledField[] {
  if (column === undefined) {
    if (type.optional) return []; // it is null in every row
    throw shapeError(`${words} has no column '${name}', which ${dataset.name} needs: add it, or declare the field .optional`);
  }
  const decode = decoderOf(type, column);
  if (decode === undefined)
    throw shapeError(
      `${words}.${name} is ${describeColumn(column)}, which cannot fill ${describeType(type)} of ${dataset.name}: declare the field as what it is`,
    );
  return [{ name, column, decode }];
}
