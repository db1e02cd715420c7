import { nearestName } from '../errors/errors.js';
import { describeType } from '../schema/value-type.js';
import { checkDuration, checkFields, checkMetadata, checkName, checkVersion, isKeyType, KEY_TYPES } from './check-common.js';
import type { ChangeCapture, DatasetDefinition, Expectation } from './definitions.js';
import { EXPECTATIONS_MAX, KEYS_MAX } from './limits.js';
import type { Problems, Report } from './problem.js';

export function checkDataset(dataset: DatasetDefinition, problems: Problems): void {
  const { name } = dataset;
  const report = problems.at(name);
  checkName(name, report);
  checkVersion(dataset.version, report);
  checkMetadata(dataset, report);
  checkDuration(dataset.historyUs, 'history', report);
  checkDuration(dataset.maxLatenessUs, 'maxLateness', report);
  checkDuration(dataset.maxFutureUs, 'maxFuture', report);
  checkFields(name, dataset.fields, problems);
  if (dataset.cdc !== undefined) checkCdc(dataset, dataset.cdc, problems);
  checkKeys(dataset, problems);
  checkTimestamp(dataset, problems);
  if (dataset.expectations.length > EXPECTATIONS_MAX)
    report(`it has ${dataset.expectations.length} expectations`, `at most ${EXPECTATIONS_MAX} are allowed`);
  for (const expectation of dataset.expectations) checkExpectation(expectation, dataset, problems.at(`${name}.${expectation.field}`));
}

/** The members of a change beside its fields (S17). */
const CHANGE_MEMBERS: readonly string[] = ['op', 'op_time'];

function checkCdc({ name, fields, timestamp }: DatasetDefinition, { mode, rowKey }: ChangeCapture, problems: Problems): void {
  const report = problems.at(name);
  if (rowKey.length === 0) report(`cdc is '${mode}', but no rowKey says which row a change is of`, "name its fields: rowKey: ['order_id']");
  if (rowKey.length > KEYS_MAX) report(`its rowKey has ${rowKey.length} fields`, `at most ${KEYS_MAX} are allowed`);
  if (new Set(rowKey).size < rowKey.length) report('its rowKey names a field twice', 'name each field once');
  for (const part of rowKey) {
    const at = problems.at(`${name}.${part}`);
    const type = fields.find((field) => field.name === part)?.type;
    if (type === undefined) at('the rowKey names it, but there is no such field', 'name a field of the dataset');
    else if (!isKeyType(type)) at(`a rowKey cannot be ${describeType(type)}`, `use ${KEY_TYPES}: equal keys must be the same bytes`);
    else if (type.optional) at('a field of a rowKey cannot be optional', 'take .optional away: a change without it is of no row');
    else if (part === timestamp) at('the rowKey is the timestamp', 'a row keeps its rowKey when it changes: use another field');
  }
  if (mode !== 'upsert') return;
  for (const member of CHANGE_MEMBERS) {
    if (fields.some((field) => field.name === member))
      problems.add(
        `${name}.${member}`,
        `'${member}' says what a change is, and cannot be a field where cdc is 'upsert'`,
        'rename the field',
      );
  }
}

function checkKeys({ name, keys, fields }: DatasetDefinition, problems: Problems): void {
  if (keys.length === 0) problems.add(name, 'it has no @key', 'mark the field that its records belong to: @key(t.string) user_id!: string');
  if (keys.length > KEYS_MAX) problems.add(name, `it has ${keys.length} keys`, `at most ${KEYS_MAX} are allowed`);
  for (const key of keys) {
    const report = problems.at(`${name}.${key}`);
    const type = fields.find((field) => field.name === key)?.type;
    if (type === undefined) report('the key is no field', 'name a field of the dataset');
    else if (!isKeyType(type)) report(`a key cannot be ${describeType(type)}`, `use ${KEY_TYPES}: equal keys must be the same bytes`);
    else if (type.optional) report('a key cannot be optional', 'take .optional away: a record without a key belongs to nobody');
  }
}

function checkTimestamp({ name, timestamp, fields, keys }: DatasetDefinition, problems: Problems): void {
  const field = fields.find((one) => one.name === timestamp);
  if (field === undefined) {
    problems.add(name, 'it has no @timestamp', 'mark the time of the event: @timestamp() at!: Date');
    return;
  }
  if (field.type.kind !== 'timestamp' || field.type.optional)
    problems.add(`${name}.${timestamp}`, `the timestamp cannot be ${describeType(field.type)}`, 'declare it @timestamp() ...!: Date');
  if (keys.includes(timestamp))
    problems.add(`${name}.${timestamp}`, 'the timestamp is a key too', 'a key names an entity: use another field');
}

function checkExpectation(expectation: Expectation, { fields }: DatasetDefinition, report: Report): void {
  const field = fields.find((one) => one.name === expectation.field);
  if (field === undefined) {
    const nearest = nearestName(
      expectation.field,
      fields.map(({ name }) => name),
    );
    report(
      'an expectation names it, but there is no such field',
      nearest === undefined ? 'name a field of the dataset' : `did you mean '${nearest}'?`,
    );
  }
  if (!(expectation.mostly >= 0 && expectation.mostly <= 1))
    report(`an expectation's mostly is ${String(expectation.mostly)}`, 'give the share that must hold, 0 to 1');
  if (expectation.kind === 'notNull') return;
  const { min, max } = expectation;
  if (field !== undefined && field.type.kind !== 'int' && field.type.kind !== 'float')
    report(`expect.between is about numbers, not ${describeType(field.type)}`, 'use it on t.int and t.float');
  if (min === undefined && max === undefined) report('expect.between has neither min nor max', 'give one of them');
  if (Number.isNaN(min) || Number.isNaN(max) || (min ?? -Infinity) > (max ?? Infinity))
    report('expect.between has a min above its max', 'exchange them');
}
