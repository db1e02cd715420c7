// `thyme log` of files whose rows are changes (S17): what they do and when are columns like any other, envelopes are lines as they are.
import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { cli, CliFiles, type CliResult } from './cli-run.js';

const MODULE = ['upsert', 'debezium']
  .map(
    (mode) => `
@dataset({ version: 1, cdc: '${mode}', rowKey: ['id'] })
export class ${mode}Row { @field(t.string) id; @key(t.string) user; @field(t.decimal.optional) amount; @timestamp() at; }
@dataset({ version: 1, index: true })
export class ${mode}Rows {
  @key(t.string) user; @field(t.int) rows; @field(t.int) valued; @timestamp() at;
  @pipeline({ version: 1, inputs: [${mode}Row] })
  static count(rows) { return rows.groupBy('user').aggregate({ rows: Count(), valued: Count({ of: 'amount' }) }); }
}`,
  )
  .join('\n');

describe('thyme log of changes (S17)', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform, ...args);

  before(async () => {
    platform = await startEmbeddedPlatform();
    const head = `import { Count, dataset, field, key, pipeline, t, timestamp } from 'thyme';`;
    expect((await run('commit', files.write('features.ts', head + MODULE), '--no-typecheck')).err).to.equal('');
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  /** The CLI prints no token for lookups to wait for. */
  function untilRows(dataset: string, user: string, wanted: Readonly<Record<string, number>>, ...more: readonly string[]): Promise<void> {
    return eventually(
      async () => {
        const { out } = await run('lookup', dataset, '-e', user, ...more);
        const { features } = JSON.parse(out) as { readonly features: Readonly<Record<string, unknown>> };
        return Object.entries(wanted).every(([name, value]) => features[name] === value);
      },
      `${dataset} of ${user} ${more.join(' ')}: ${JSON.stringify(wanted)}`,
    );
  }

  it('updates and deletes by columns of a CSV file, which are empty where they say nothing', async () => {
    const csv = [
      'op,op_time,id,user,amount,at',
      ',2026-01-01,r1,ann,1.50,2026-01-01',
      'upsert,2026-01-01,r2,ann,2,2026-01-01',
      'upsert,2026-01-02,r1,bob,3,2026-01-01',
      'delete,2026-01-03,r2,,,',
    ];
    const sent = await run('log', 'upsertRow', '-i', files.write('a.csv', `${csv.join('\n')}\n`));
    expect(sent, sent.err).to.deep.include({ code: 0, out: '4 events sent to upsertRow' });
    await untilRows('upsertRows', 'ann', { rows: 0 });
    await untilRows('upsertRows', 'bob', { rows: 1, valued: 1 });
    await untilRows('upsertRows', 'ann', { rows: 2 }, '--at', '2026-01-01T12:00:00Z');
    await untilRows('upsertRows', 'ann', { rows: 1 }, '--at', '2026-01-02T12:00:00Z');
  });

  it('deletes by a file that has no more than operation and rowKey, and by tombstones', async () => {
    const at = '2026-02-01T00:00:00Z';
    const rows = ['r5', 'r6', 'r7'].map((id) => JSON.stringify({ id, user: 'eve', at, op_time: at }));
    await run('log', 'upsertRow', '-i', files.write('b.ndjson', rows.join('\n')));
    await untilRows('upsertRows', 'eve', { rows: 3 });
    expect(await run('log', 'upsertRow', '-i', files.write('c.tsv', 'op\tid\ndelete\tr5\n'))).to.include({ code: 0 });
    const more = '{"key":{"id":"r6"},"value":null}\n{"op":null,"id":"r8","user":"eve","at":"2026-02-01","more":1}\n';
    const last = await run('log', 'upsertRow', '-i', files.write('d.ndjson', more));
    expect(last).to.deep.include({ code: 0, out: '2 events sent to upsertRow, 1 column ignored' });
    await untilRows('upsertRows', 'eve', { rows: 2 });
  });

  it('moves the time of a change along with the event times (--shift-to-now)', async () => {
    const lines = ['{"id":"s1","user":"sam","at":"2020-01-01","op_time":"2020-01-01"}', '{"op":"delete","id":"s1","op_time":"2020-01-02"}'];
    const shifted = await run('log', 'upsertRow', '-i', files.write('e.ndjson', lines.join('\n')), '--shift-to-now');
    expect(shifted, shifted.err).to.include({ code: 0, out: '2 events sent to upsertRow' });
    await untilRows('upsertRows', 'sam', { rows: 0 });
    await untilRows('upsertRows', 'sam', { rows: 1 }, '--at', new Date(Date.now() - 3_600_000).toISOString());
  });

  it('names the line of an operation that there is not, and what a row lacks', async () => {
    const lines = '{"op":"truncate","id":"r1","user":"ann","at":"2026-01-01"}\n{"id":"r1"}\n';
    const { code, err } = await run('log', 'upsertRow', '-i', files.write('f.ndjson', lines));
    expect(code).to.equal(1);
    expect(err)
      .to.match(/f\.ndjson:1: upsertRow\.op: .*'upsert' or 'delete'/)
      .and.match(/f\.ndjson:2: upsertRow\.user: required/);
  });

  it("takes Debezium's envelopes line by line, with every digit", async () => {
    const [day, next] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
    const row = { id: 'd1', user: 'dan', at: '2026-01-01' };
    const lines = [
      `{"op":"c","before":null,"after":{"id":"d1","user":"dan","amount":12345678901234567890.25,"at":"2026-01-01"},"source":{"ts_ms":${day}}}`,
      JSON.stringify({ payload: { op: 'c', after: { ...row, id: 'd2' }, source: { ts_ms: day } }, schema: null }),
      JSON.stringify({ op: 'd', before: { id: 'd1' }, after: null, source: { ts_ms: next } }),
      '{"key":{"id":"d1"},"value":null}',
    ];
    const sent = await run('log', 'debeziumRow', '-i', files.write('g.ndjson', lines.join('\n')));
    expect(sent, sent.err).to.include({ code: 0 });
    expect(sent.out).to.match(/^4 events sent to debeziumRow/);
    await untilRows('debeziumRows', 'dan', { rows: 1, valued: 0 });
    await untilRows('debeziumRows', 'dan', { rows: 2, valued: 1 }, '--at', '2026-01-01T12:00:00Z');
  });

  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['-i', 'columns.csv'], /has columns, and debeziumRow takes Debezium's envelopes: give NDJSON/],
    [['-i', 'lines.ndjson', '--rename', 'a=b'], /--rename: debeziumRow takes Debezium's envelopes/],
    [['-i', 'lines.ndjson', '--shift-to-now'], /--shift-to-now: debeziumRow takes Debezium's envelopes/],
  ];
  for (const [[flag = '', name = '', ...more], reason] of refused) {
    it(`refuses envelopes ${[name, ...more].join(' ')} before anything is sent`, async () => {
      const path = files.write(name, name.endsWith('.csv') ? 'id,user,at\n1,2,3\n' : '{"op":"m"}\n');
      const { code, err } = await run('log', 'debeziumRow', flag, path, ...more);
      expect(code).to.equal(2);
      expect(err).to.match(reason);
    });
  }
});
