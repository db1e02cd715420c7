import { nearestName } from '../errors/errors.js';
import { describeType, type ValueType } from '../schema/value-type.js';
import { checkDuration } from './check-common.js';
import { type ConnectorRules, connectors, rulesOf } from './connectors.js';
import type { DefinitionIndex } from './definition-index.js';
import type { ConfigValue, DatasetDefinition, SourceDefinition } from './definitions.js';
import type { Problems, Report } from './problem.js';

const CURSOR_KINDS = new Set<ValueType['kind']>(['string', 'int', 'float', 'decimal', 'timestamp', 'date']);
const CDC = new Set(['append', 'upsert', 'debezium']);

export function checkSource(source: SourceDefinition, index: DefinitionIndex, problems: Problems): void {
  const report = problems.at(source.dataset);
  const dataset = index.datasets.get(source.dataset);
  if (dataset === undefined) report('a source feeds it, but there is no such dataset', 'declare the dataset');
  checkDuration(source.everyUs, "source's 'every'", report);
  checkDuration(source.maxLatenessUs, "source's maxLateness", report);
  checkDuration(source.maxFutureUs, "source's maxFuture", report);
  if (!CDC.has(source.cdc)) report(`its source's cdc is '${source.cdc}'`, "use 'append', 'upsert' or 'debezium'");
  const rules = rulesOf(source);
  if (rules === undefined) {
    const nearest = nearestName(source.connector, connectors.keys());
    report(
      `no connector is called '${source.connector}'`,
      nearest === undefined ? `use one of ${[...connectors.keys()].join(', ')}` : `did you mean '${nearest}'?`,
    );
    return;
  }
  checkConfig(source, rules, report);
  if (source.connector === 'postgres') checkPostgres(source, report);
  if (source.connector === 'snowflake') checkSnowflake(source, report);
  if (rules.mode === 'push') checkPush(source, report);
  else checkPoll(source, rules, dataset, problems);
}

function checkConfig({ connector, config }: SourceDefinition, { required, optional, secrets }: ConnectorRules, report: Report): void {
  const known = [...required, ...optional, ...secrets];
  for (const parameter of required) {
    if (config[parameter] === undefined)
      report(`its ${connector} source lacks '${parameter}'`, 'what to read is part of the definition: it never comes from the environment');
  }
  for (const [parameter, value] of Object.entries(config)) {
    if (!known.includes(parameter)) {
      const nearest = nearestName(parameter, known);
      report(
        `a ${connector} source has no '${parameter}'`,
        nearest === undefined ? `it takes ${known.join(', ')}` : `did you mean '${nearest}'?`,
      );
    }
    const isReference = typeof value === 'object';
    if (secrets.includes(parameter) && !isReference)
      report(
        `the '${parameter}' of its ${connector} source is written out`,
        "write secret.env('NAME') or secret.file('/path'): definitions are kept, secrets are not",
      );
    if (isReference && !/^(env|file):./.test(value.secret))
      report(
        `the '${parameter}' of its ${connector} source is no reference to a secret`,
        "write secret.env('NAME') or secret.file('/path')",
      );
  }
}

/** Names of slots, as Postgres has them. */
const SLOT_NAME = /^[a-z0-9_]{1,63}$/;

function checkPostgres({ config: { mode, slot }, cdc }: SourceDefinition, report: Report): void {
  if (mode === undefined) return;
  if (mode !== 'cdc')
    report(
      `the mode of its postgres source is '${say(mode)}'`,
      "write mode: 'cdc' for the changes in the server's log, or take it away to poll",
    );
  if (slot !== undefined && !SLOT_NAME.test(say(slot)))
    report(`the slot of its postgres source is '${say(slot)}'`, 'use 1 to 63 small letters, digits and _');
  if (cdc === 'debezium') report("cdc 'debezium' is for envelopes, and postgres has rows", "use 'append' or 'upsert'");
}

function checkSnowflake({ config: { mode }, cdc }: SourceDefinition, report: Report): void {
  if (mode === undefined) return;
  if (mode !== 'changes')
    report(
      `the mode of its snowflake source is '${say(mode)}'`,
      "write mode: 'changes' for what change tracking notes, or take it away to poll",
    );
  if (cdc === 'append')
    report(
      "mode 'changes' gives updates and deletes, and cdc 'append' has events",
      "use cdc: 'upsert' at the source and the dataset, or poll",
    );
}

function say(value: ConfigValue): string {
  return typeof value === 'object' ? 'a secret' : String(value);
}

function checkPush({ connector, config: { mode }, cursor, everyUs }: SourceDefinition, report: Report): void {
  const streams = mode === undefined ? `${connector} streams` : `${connector} with mode 'cdc' streams`;
  if (cursor !== undefined) report(`'cursor' is for polling, and ${streams}`, 'take it away');
  if (everyUs !== undefined) report(`'every' is for polling, and ${streams}`, 'take it away');
}

function checkPoll(
  { dataset: name, connector, cursor, everyUs, cdc }: SourceDefinition,
  { cursor: cursorKind }: ConnectorRules,
  dataset: DatasetDefinition | undefined,
  problems: Problems,
): void {
  const report = problems.at(name);
  if (everyUs === undefined) report(`${connector} is polled, and 'every' is missing`, "say how often, such as every: '5s'");
  if (cdc === 'debezium')
    report(`${connector} is polled, and cdc 'debezium' comes from a stream`, "use 'append' or 'upsert', or Debezium through kafka");
  const order = connector === 'snowflake' ? "snowflake with mode 'changes' has its intervals" : 'iceberg has its snapshots';
  if (cursor !== undefined && cursorKind === 'none' && (connector === 'iceberg' || connector === 'snowflake'))
    report(`'cursor' is for tables that are read in the order of a column, and ${order}`, 'take it away');
  if (cursor === undefined) {
    if (cursorKind === 'column') report(`${connector} is polled, and 'cursor' is missing`, 'name the column that only grows');
    return;
  }
  if (dataset === undefined) return;
  const type = dataset.fields.find((field) => field.name === cursor)?.type;
  const atCursor = problems.at(`${name}.${cursor}`);
  if (type === undefined) {
    const nearest = nearestName(
      cursor,
      dataset.fields.map((field) => field.name),
    );
    atCursor(
      'it is the cursor, but there is no such field',
      nearest === undefined ? 'name a field of the dataset' : `did you mean '${nearest}'?`,
    );
  } else if (!CURSOR_KINDS.has(type.kind) || type.optional) {
    atCursor(`a cursor cannot be ${describeType(type)}`, 'use a column that can be ordered and is never null');
  }
}
