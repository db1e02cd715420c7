// What plan says of the history that a commit would have read.
import { expect } from 'chai';
import { estimateBackfills, estimateLines, type BackfillEstimate } from '../../../libs/cli/backfill-estimate.js';
import { commitFile } from '../../../libs/cli/commit-command.js';
import type { RestClient } from '../../../libs/client/rest-client.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { cli, CliFiles, countModule } from './cli-run.js';

const ROWS = 2_000;

interface Planned {
  readonly backfills: BackfillEstimate | null;
  readonly lookups: readonly object[];
}

function deployment(rates: readonly (number | null)[]): RestClient {
  const processes = rates.map((rate) => ({ role: 'aggregator', records_per_s: rate }));
  return { get: () => Promise.resolve({ body: { processes }, queryRunId: undefined }) } as unknown as RestClient;
}

describe('the estimate of a backfill', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const plan = async (file: string): Promise<Planned> =>
    JSON.parse((await cli(platform, 'plan', file, '--no-typecheck', '--json')).out) as Planned;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2 });
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  it('counts what is in the topics of its inputs, measures their records, and goes by the rate of what was read', async () => {
    const first = files.write('first.ts', countModule());
    const empty = await plan(first);
    expect(empty.backfills).to.deep.include({ is_measured: false, records_per_s: 50_000, minutes: 0 });
    await commitFile(first, platform.context);
    const row = (i: number): string =>
      JSON.stringify({ page: `page_${i % 50}`, ms: i, at: new Date(1_767_225_600_000 + i * 1_000).toISOString() });
    const rows = files.write('clicks.ndjson', Array.from({ length: ROWS }, (_, i) => row(i)).join('\n'));
    expect(await cli(platform, 'log', 'Click', '-i', rows, '--historical')).to.include({ code: 0 });
    const read = async (): Promise<boolean> => /"read": 2000\b/.test((await cli(platform, 'status')).out);
    await eventually(read, 'the records are read');

    expect((await plan(first)).backfills, 'nothing changes').to.equal(null);
    const second = files.write('second.ts', countModule({ window: '2h', version: 2 }));
    const { backfills } = await plan(second);
    const [built, ...more] = backfills?.of ?? [];
    expect(more).to.deep.equal([]);
    expect(built).to.deep.include({ name: 'Pages.count', version: 2, inputs: ['Click'], records: ROWS });
    const bytes = (built?.bytes ?? 0) / ROWS;
    expect(bytes, 'a record of a page, a number and an instant').to.be.within(10, 200);
    expect(backfills?.records_per_s).to.be.greaterThan(0);
    const { out } = await cli(platform, 'plan', second, '--no-typecheck');
    expect(out)
      .to.match(
        /^What is built of history, before it is served \(estimates\):\n {2}BUILT +RECORDS +BYTES +TIME +FROM\n {2}Pages\.count v2 +2,000 +\d+\.\d KB +under a minute +Click$/m,
      )
      .and.match(/^ {2}together under a minute at [\d,]+ records\/s, /m);
  });

  it('adds up what is built together, and says where its rate is from', async () => {
    const planned = [
      { name: 'A.one', version: 1, inputs: ['Order'], records: 3_600_000, bytes: 5_000_000_000 },
      { name: 'index:Order', version: 1, inputs: ['Order'], records: 32_400_000, bytes: 900 },
    ];
    const measured = await estimateBackfills(planned, deployment([20_000, null]));
    expect(measured).to.deep.include({ records_per_s: 40_000, is_measured: true, minutes: 15 });
    expect(estimateLines(measured).slice(2)).to.deep.equal([
      '  A.one v1        3,600,000   5.0 GB  2 min   Order',
      '  index:Order v1  32,400,000  900 B   14 min  Order',
      '  together 15 min at 40,000 records/s, as this deployment has read lately; longer where THYME_BACKFILL_RECORDS_PER_S holds it back',
    ]);
    const assumed = await estimateBackfills(planned, deployment([]));
    expect(estimateLines(assumed).at(-1)).to.match(/^ {2}together 12 min at 50,000 records\/s, assumed: /);
    expect(await estimateBackfills([], deployment([]))).to.equal(undefined);
  });

  it('tells, beside it, what extractors look up; one that is wrong is refused with file and line', async () => {
    const extractors = (field: string): string =>
      countModule({
        extra: `@feature(t.int, { id: 3 }) twice!: number;
  @extractor({ inputs: ['page'], outputs: ['twice'] })
  static doubled({ lookup }, { page }) {
    return { twice: 2 * lookup(Pages, page).${field} };
  }`,
      }).replace('import {', 'import { extractor,');
    expect((await plan(files.write('right.ts', extractors('clicks')))).lookups).to.deep.equal([
      { extractor: 'PageFeatures.doubled', dataset: 'Pages', fields: ['clicks'] },
    ]);
    const text = extractors('click');
    const wrong = files.write('wrong.ts', text);
    const line = text.split('\n').findIndex((each) => each.includes('lookup(Pages')) + 1;
    for (const command of ['plan', 'commit']) {
      const { code, err } = await cli(platform, command, wrong, '--no-typecheck');
      expect([code, err]).to.deep.equal([
        1,
        `PageFeatures.doubled: wrong.ts:${line}: it reads 'click' of Pages, which has no such field; did you mean 'clicks'?`,
      ]);
    }
  });
});
