// The table of values is one fact: each connector has a suite that is given all of it, and the page says what the suites declare.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectors } from '../../libs/definition/connectors.js';
import { valuePage } from '../support/value-page.js';
import { VALUE_COLUMN_NAMES, VALUE_SYSTEMS, VALUE_TABLE } from '../support/value-table.js';

const FOLDERS = ['test/integration', 'test/kafka', 'test/peers'];

describe('the table of values', () => {
  it('is put to every connector, by one suite each, which can leave no row out', () => {
    const builtIn = [...connectors].filter(([name]) => name !== 'feed').map(([name]) => name); // an example registers itself
    expect([...VALUE_SYSTEMS].sort()).to.deep.equal(builtIn.sort());
    const text = FOLDERS.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
      .filter((path) => /\.(test|kafka|peer)\.ts$/.test(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const given = [...text.matchAll(/givesTheTableOfValues\('(\w+)'/g)].map(([, name]) => name);
    expect(given.sort()).to.deep.equal([...VALUE_SYSTEMS].sort());
  });

  it('has rows of each kind, no two alike, and says why where a system has no such value', () => {
    const rows = VALUE_TABLE.map(({ column, text }) => `${column} ${String(text)}`);
    expect(new Set(rows).size).to.equal(rows.length);
    for (const column of VALUE_COLUMN_NAMES)
      for (const system of VALUE_SYSTEMS) {
        const held = VALUE_TABLE.filter((one) => one.column === column && one.without?.[system] === undefined);
        expect(held, `${column} of ${system}`).to.not.have.lengthOf(0);
      }
    for (const { without = {} } of VALUE_TABLE) for (const why of Object.values(without)) expect(why).to.match(/\w+ \w+/);
  });

  it('is told by the page about sources as the suites declare it', () => {
    expect(readFileSync('docs/sources.md', 'utf8')).to.contain(`\n${valuePage()}`);
  });
});
