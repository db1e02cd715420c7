import { expect } from 'chai';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { entityOf } from '../../../libs/cli/entity-argument.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { cli, CliFiles, type CliResult } from './cli-run.js';

const TIME = '2026-01-01T00:00:00Z';

describe('training sets of files, and entities of the command line', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform.url, ...args);

  before(async () => {
    platform = await startEmbeddedPlatform();
    await commitFile('test/support/training-features.ts', platform.context);
    const deadline = AbortSignal.timeout(30_000); // S18: a revision is served once it has reached every partition
    while ((await run('query', 'Leg', '-e', 'origin=A,number=1')).code !== 0) deadline.throwIfAborted();
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  async function rowsOf(featureset: string, name: string, text: string): Promise<readonly unknown[]> {
    const { code, out, err } = await run('query-offline', featureset, '-i', files.write(name, text));
    expect(code, err).to.equal(0);
    return out.split('\n').map((line) => (JSON.parse(line) as { readonly features: unknown }).features);
  }

  it('reads request-time inputs out of columns of their names, by their types', async () => {
    const csv = `entity_id,timestamp,surge,note,label\nu1,${TIME},1e-05,n,1\nu2,2026-01-01,2,,0\n`;
    const expected = [
      { rider: 'u1', rides_1d: 0, surge: 1e-5, note: 'n', price: 1e-4 },
      { rider: 'u2', rides_1d: 0, surge: 2, note: null, price: 20 },
    ];
    expect(await rowsOf('Quote', 'inputs.csv', csv)).to.deep.equal(expected);
    const ndjson = `{"rider":"u1","timestamp":"${TIME}","surge":1e-05,"note":"n"}\n\n{"entity.rider":"u2","timestamp":1767225600,"surge":2}\n`;
    expect(await rowsOf('Quote', 'inputs.ndjson', ndjson)).to.deep.equal(expected);
    const { err } = await run('query-offline', 'Quote', '-i', files.path('inputs.csv'));
    expect(err).to.match(/^columns that are neither key, timestamp nor input are left out: label$/m);
  });

  it("reads composite keys by entity.<field>, by the fields' own names, or as one text", async () => {
    const expected = [{ origin: 'ATL', number: 7, bags: null }];
    for (const [i, text] of [
      `entity.origin,entity.number,timestamp\nATL,7,${TIME}\n`,
      `number,timestamp,origin\n7,${TIME},ATL\n`,
      `entity_id,timestamp\n"origin=ATL,number=7",${TIME}\n`,
    ].entries())
      expect(await rowsOf('Leg', `legs${i}.csv`, text)).to.deep.equal(expected);
    expect(await rowsOf('Leg', 'legs.ndjson', `{"entity_id":{"origin":"ATL","number":7},"timestamp":"${TIME}"}\n`)).to.deep.equal(expected);
    const { code, err } = await run('query-offline', 'Leg', '-i', files.write('half.csv', `origin,timestamp\nATL,${TIME}\n`));
    expect([code, err]).to.deep.equal([
      1,
      `${files.path('half.csv')}:2: no entity, number is missing: send a column entity_id, or entity.origin, entity.number`,
    ]);
  });

  it('reads bools as pandas writes them, as keys too', async () => {
    expect(await rowsOf('FlagLevel', 'flags.csv', `on,timestamp\nTrue,${TIME}\nfalse,${TIME}\n`)).to.deep.equal([
      { on: true, level: null },
      { on: false, level: null },
    ]);
  });

  it("names the file's line of what is refused, however many rows stand before it, and prints nothing", async () => {
    const good = `u1,${TIME},1\n`;
    for (const rows of [0, 299, 6_000]) {
      for (const [bad, words] of [
        ['u1,bad,1', "timestamp: 'bad' is no timestamp"],
        ['u1,2099-01-01,1', 'timestamp: 2099-01-01T00:00:00Z is more than a minute ahead'],
        [`u1,${TIME},high`, 'inputs.surge: expected a float'],
        [`u1,${TIME},`, 'inputs.surge: required, but missing'],
      ] as const) {
        const file = files.write('spine.csv', `entity_id,timestamp,surge\n${good.repeat(rows)}${bad}\n${good}`);
        const { code, out, err } = await run('query-offline', 'Quote', '-i', file);
        expect([code, out], err).to.deep.equal([1, '']);
        expect(err.startsWith(`${file}:${rows + 2}: ${words}`), err).to.equal(true);
      }
    }
  });

  it('takes an id that holds a = as it is, and a named one by the fields of the key', async () => {
    const idOf = async (...args: readonly string[]): Promise<unknown> => {
      const { code, out, err } = await run(...args, '--at', TIME);
      expect(code, err).to.equal(0);
      return (JSON.parse(out) as { readonly entity_id: unknown }).entity_id;
    };
    const quote = ['query', 'Quote', '--inputs', '{"surge":1}', '-e'] as const;
    for (const id of ['aGVsbG8=', 'aGVsbG8==', 'a=b', '=', 'x=,y=']) expect(await idOf(...quote, id)).to.equal(id);
    expect(await idOf(...quote, 'rider=a=b,c')).to.deep.equal({ rider: 'a=b,c' });
    expect(await idOf('lookup', 'RiderStats', '-e', 'aGVsbG8=')).to.equal('aGVsbG8=');
    expect(await idOf('lookup', 'RiderStats', '-e', 'rider=u1')).to.deep.equal({ rider: 'u1' });
    expect(await idOf('query', 'Leg', '-e', 'origin=A,B=,number=7')).to.deep.equal({ origin: 'A,B=', number: '7' });
    expect(await idOf('query', 'FlagLevel', '-e', 'true')).to.equal('true');
    expect((await run('query', 'Leg', '-e', 'orgin=A,number=7')).err).to.match(/unknown: orgin|missing: origin/);
    expect((await run('query', 'Quote', '--inputs', '{"surge":1}', '-e', 'ridr=u1')).err).to.match(/missing: rider/);
  });

  it('tells names of keys from ids by the fields alone', () => {
    expect(entityOf('k=v', [])).to.equal('k=v');
    expect(entityOf('k=', ['k'])).to.deep.equal({ k: '' });
    expect(entityOf('kk=', ['k'])).to.equal('kk=');
    expect(entityOf('plain', ['a', 'b'])).to.equal('plain');
    expect(entityOf('b=2,a=1', ['a', 'b'])).to.deep.equal({ a: '1', b: '2' });
  });

  it('takes inputs of several entities as one object for all, or as a list', async () => {
    const pricesOf = (out: string): unknown =>
      (JSON.parse(out) as { readonly values: readonly (readonly unknown[])[] }).values.map((row) => row.at(-1));
    const ask = (inputs: string): Promise<CliResult> => run('query', 'Quote', '-e', 'a', '-e', 'b', '--inputs', inputs);
    expect(pricesOf((await ask('{"surge":2}')).out)).to.deep.equal([20, 20]);
    expect(pricesOf((await ask('[{"surge":2},{"surge":3}]')).out)).to.deep.equal([20, 30]);
    expect((await ask('[{"surge":2}]')).err).to.match(/inputs: 1 for 2 entity_ids/);
    expect((await ask('[{"surge":2},{"surg":3}]')).err).to.match(/inputs\[1\]\.surg: .*did you mean 'surge'/);
    const offline = await run('query-offline', 'Quote', '-e', 'a', '-e', 'b', '--at', TIME, '--inputs', '[{"surge":2},{"surge":3}]');
    expect(
      offline.out.split('\n').map((line) => (JSON.parse(line) as { readonly features: { readonly price: number } }).features.price),
    ).to.deep.equal([20, 30]);
    const refused = await run('query-offline', 'Quote', '-e', 'a', '-e', 'b', '--at', TIME, '--inputs', '[{"surge":2},{}]');
    expect([refused.code, refused.err]).to.deep.equal([1, '-e b: inputs.surge: required, but missing: send a t.float']);
  });

  it('says of a featureset that is none which one is meant, also where the columns are of another', async () => {
    const { code, err } = await run('query-offline', 'Quot', '-i', files.write('other.csv', `rider,timestamp\nu1,${TIME}\n`));
    expect([code, err]).to.deep.equal([1, "no featureset is called 'Quot'; did you mean 'Quote'?"]);
  });

  it('reads the files that `thyme log` reads, and names the line of a row that is none', async () => {
    const quoted = `\uFEFFentity_id,timestamp,surge,note\r\n"u1",${TIME},1,"two\r\nlines"\r\nu2,${TIME},x,\r\n`;
    const { err } = await run('query-offline', 'Quote', '-i', files.write('quoted.csv', quoted));
    expect(err).to.match(/quoted\.csv:4: inputs\.surge: expected a float/);
    expect(await rowsOf('Quote', 'tabs.tsv', `entity_id\ttimestamp\tsurge\nu1\t${TIME}\t1\n`)).to.have.length(1);
    expect(
      await rowsOf('Leg', 'exact.ndjson', '{"origin":"A","number":9007199254740991,"timestamp":1767225600.25,"bags":2.0}\n'),
    ).to.deep.equal([{ origin: 'A', number: 9007199254740991, bags: 2 }]);
    const ragged = await run('query-offline', 'Quote', '-i', files.write('ragged.csv', `entity_id,timestamp,surge\nu1,${TIME}\n`));
    expect([ragged.code, ragged.err]).to.satisfy(
      ([code, words]: [number, string]) => code === 1 && words.includes('ragged.csv:2: 2 fields'),
    );
    const broken = await run('query-offline', 'Quote', '-i', files.write('broken.csv', `entity_id,timestamp,surge\n"u1"x,${TIME},1\n`));
    expect([broken.code, broken.err]).to.satisfy(([code, words]: [number, string]) => code === 2 && words.includes('broken.csv:2'));
  });

  it('shows that an answer was cut off in the middle, and at which row', async () => {
    const ids = [...Array.from({ length: 30 }, (_, i) => `w${i}`), 'bad'];
    const file = files.write('wide.csv', `entity_id,timestamp\n${ids.map((id) => `${id},${TIME}\n`).join('')}`);
    const { code, out, err } = await run('query-offline', 'Wide', '-i', file);
    expect(code).to.equal(1);
    expect(out.split('\n').length).to.be.within(1, 30);
    expect(err).to.match(/wide\.csv:\d+: the answer was cut off after \d+ rows/);
  });
});
