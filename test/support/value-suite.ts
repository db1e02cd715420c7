import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Field } from '../../libs/schema/value-type.js';
import type { Connector } from '../../libs/source/connector.js';
import type { Clock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { SourcesFixture, numberDataset } from '../integration/sources-fixture.js';
import { eventually } from './eventually.js';
import { VALUE_COLUMN_NAMES, VALUE_COLUMNS, VALUE_TABLE, jsonText, type ValueColumn, type ValueSystemName } from './value-table.js';

/** What each row has beside its value: `k`, `n` its number from 0 on, and `at_`. */
export const VALUE_ROW_AT = '2026-01-01T00:00:00Z';

/** A system as its suite writes the table of values into it. */
export interface ValueSystem {
  readonly variables?: Readonly<Record<string, string>>;
  connector(clock: Clock): Connector;
  /** Puts a row for each text where the source finds it, as `k`, `n`, `at_` and `v`; what of it is read is the source's `config`. */
  write(column: ValueColumn, texts: readonly (string | null)[]): Promise<Pick<SourceDefinition, 'config'> & Partial<SourceDefinition>>;
  /** The number of a row that could not be read as one, by its place; others say it themselves. */
  rowAt?(place: string): number | undefined;
}

/** A line of JSON with the value in it. */
export function jsonRow(column: ValueColumn, text: string | null, n: number): string {
  return `{"k":"k","n":${n},"at_":"${VALUE_ROW_AT}","v":${jsonText(column, text)}}`;
}

/**
 * Puts every row of the table that the system can hold to it, a column at a time. Which those are the table says, and nobody else: a
 * suite can leave none out.
 */
export function givesTheTableOfValues(name: ValueSystemName, open: () => ValueSystem): void {
  for (const column of VALUE_COLUMN_NAMES)
    it(`gives the table's values of ${column} as they are, or refuses them by name`, async () => {
      const system = open();
      const cases = VALUE_TABLE.filter((one) => one.column === column && one.without?.[name] === undefined);
      const fixture = new SourcesFixture(new MemoryLog(), (clock) => [system.connector(clock)]);
      Object.assign(fixture.variables, system.variables);
      const source = await system.write(
        column,
        cases.map(({ text }) => text),
      );
      const plain = numberDataset('A').fields.map((field) => (field.name === 'at' ? { ...field, name: 'at_' } : field));
      const fields: readonly Field[] = [...plain, { name: 'v', type: VALUE_COLUMNS[column] }];
      await fixture.commit(
        [numberDataset('A', { fields, timestamp: 'at_' })],
        [{ dataset: 'A', connector: name, cdc: 'append', ...source }],
      );
      const sources = await fixture.start();
      try {
        await isRead(sources, cases.length);
        await expectHeld(fixture, fields, { name, column, system });
      } finally {
        await sources.stop({ graceMs: 5_000 });
      }
    });
}

async function isRead(sources: Sources, count: number): Promise<void> {
  await eventually(() => {
    const { phase, rows = 0, refused = 0 } = sources.list()[0] ?? {};
    if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
    return rows + refused >= count;
  }, `${count} rows are read`).catch((cause: unknown) => {
    throw new Error(JSON.stringify(sources.list()), { cause });
  });
}

interface Held {
  readonly name: ValueSystemName;
  readonly column: ValueColumn;
  readonly system: ValueSystem;
}

async function expectHeld(fixture: SourcesFixture, fields: readonly Field[], { name, column, system }: Held): Promise<void> {
  const cases = VALUE_TABLE.filter((one) => one.column === column && one.without?.[name] === undefined);
  const rows = await fixture.published('A', 1, fields);
  const dead = await fixture.dead('A');
  expect(rows.length + dead.length, 'each row is published or set aside').to.equal(cases.length);
  const wrong: string[] = [];
  for (const [n, { text, shown, held }] of cases.entries()) {
    const row = rows.find((record) => record.row[1] === n)?.row;
    const reason = dead.find((letter) => numberOf(letter, system) === n)?.['reason'];
    const what = `${column} ${shown ?? JSON.stringify(text)}`;
    try {
      if (held instanceof RegExp) expect(String(reason), what).to.match(held);
      else expect(row?.[3], `${what}: ${String(reason)}`).to.deep.equal(held);
    } catch (error) {
      wrong.push((error as Error).message.slice(0, 400)); // chai's
    }
  }
  expect(wrong, `of ${name}`).to.deep.equal([]);
}

function numberOf({ record, place }: Readonly<Record<string, unknown>>, system: ValueSystem): number | undefined {
  const said = /"n":(\d+)/.exec(String(record))?.[1];
  return said === undefined ? system.rowAt?.(String(place)) : Number(said);
}
