import assert from 'node:assert';
import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { CarryOver, Revision } from '../../libs/definition/revision.js';
import { datasetTopic, deadLetterTopic, historyTopic } from '../../libs/pipeline/topics.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import { compileFromAuthor, compileToAuthor } from '../../libs/schema/author-value.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';

/** Everything that records of an old dataset version are carried into the new one with (S19a). */
export interface UpgradePlan {
  /** The reader's id. */
  readonly id: number;
  /** `Order#upgrade`, as its function is called in the bundle. */
  readonly name: string;
  readonly from: DatasetDefinition;
  readonly to: DatasetDefinition;
  readonly fromTopic: string;
  /** What the old version was itself begun with; undefined where it began empty. */
  readonly fromHistory: string | undefined;
  readonly topic: string;
  readonly historyTopic: string;
  readonly deadTopic: string;
  decode(bytes: Uint8Array): DatasetRecord;
  /** What the old record is in the new version; what it throws is the record's fault (S12, S23). */
  upgrade(record: DatasetRecord): { readonly key: Uint8Array; readonly value: Uint8Array };
}

interface PlanParts {
  readonly deployment: string;
  /** The revision that began it: by its bundle everything is carried, whatever later ones say. */
  readonly begun: Revision;
  /** All of the revision in force. */
  readonly carryOvers: readonly CarryOver[];
  readonly functions: AuthorFunctions;
}

export function planUpgrade({ id, from, toVersion }: CarryOver, { deployment, begun, carryOvers, functions }: PlanParts): UpgradePlan {
  const to = begun.definitions.datasets.find(({ name, version }) => name === from.name && version === toVersion);
  assert(to?.upgrade?.kind === 'function', `revision ${begun.number} has no upgrade of ${from.name} to version ${toVersion}`); // it made the carry-over
  const name = to.upgrade.function;
  const call = functions.transform(name);
  assert(call !== undefined, `the bundle has no function '${name}'`); // checked at commit
  const hasHistory = carryOvers.some((other) => other.from.name === from.name && other.toVersion === from.version);
  const upgradeRow = compileUpgradeRow({ from, to, call, functions });
  // A dataset of changes is partitioned by what names their rows (S17).
  const keyColumns = (to.cdc?.rowKey ?? to.keys).map((key) => columnOf(to, key));
  const encodeKey = compileKeyEncoder(
    keyColumns.flatMap((column) => to.fields[column] ?? []),
    to.name,
  );
  const timeColumn = columnOf(to, to.timestamp);
  const codec = compileRecordCodec(to.fields);
  const fromCodec = compileRecordCodec(from.fields);
  return {
    id,
    name,
    from,
    to,
    fromTopic: datasetTopic(deployment, from.name, from.version),
    fromHistory: hasHistory ? historyTopic(deployment, from.name, from.version) : undefined,
    topic: datasetTopic(deployment, to.name, to.version),
    historyTopic: historyTopic(deployment, to.name, to.version),
    deadTopic: deadLetterTopic(deployment, to.name, to.version),
    decode: (bytes) => fromCodec.decode(bytes),
    upgrade(record) {
      const row = upgradeRow(record.row);
      const key = encodeKey(keyColumns.map((column): Value => row[column] ?? null));
      return { key, value: codec.encode({ ...record, eventTimeUs: Number(row[timeColumn]), row }) };
    },
  };
}

interface RowParts {
  readonly from: DatasetDefinition;
  readonly to: DatasetDefinition;
  readonly call: (row: Record<string, unknown>) => unknown;
  readonly functions: AuthorFunctions;
}

/** A timestamp that the function passes on as it got it keeps its microseconds, which a Date does not hold. */
function compileUpgradeRow({ from, to, call, functions }: RowParts): (row: Row) => Row {
  const toAuthor = compileToAuthor(from.fields, functions.decimal);
  const fromAuthor = compileFromAuthor(to.fields, `${to.name}#upgrade`);
  const isTime = ({ type }: Field): boolean => type.kind === 'timestamp';
  const fromTimes = from.fields.flatMap((field, column) => (isTime(field) ? [{ name: field.name, column }] : []));
  const toTimes = to.fields.flatMap((field, column) => (isTime(field) ? [{ name: field.name, column }] : []));
  return (row) => {
    const old = toAuthor(row);
    const timesUs = new Map<unknown, number>();
    for (const { name, column } of fromTimes) if (row[column] !== null) timesUs.set(old[name], Number(row[column]));
    const given = call(old);
    const upgraded = [...fromAuthor(given)];
    for (const { name, column } of toTimes) {
      const exactUs = timesUs.get((given as Readonly<Record<string, unknown>>)[name]);
      if (exactUs !== undefined && Math.floor(exactUs / 1_000) * 1_000 === upgraded[column]) upgraded[column] = exactUs;
    }
    return upgraded;
  };
}

function columnOf({ name, fields }: DatasetDefinition, field: string): number {
  const column = fields.findIndex((candidate) => candidate.name === field);
  assert(column >= 0, `${name} has no field ${field}`); // checked at commit
  return column;
}
