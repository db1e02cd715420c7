import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { ThymeError } from '../../libs/errors/errors.js';

const ORDERS = `
import { dataset, key, field, source, timestamp, secret, t } from 'thyme';
import { kafka } from 'thyme/sources';
@source(kafka({ topic: 'orders', brokers: ['a:9092', 'b:9092'], saslPassword: secret.env('PW') }))
@dataset({ version: 1 })
export class Order {
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @timestamp() at!: Date;
}
`;

const FEATURES = `
import { createHash } from 'node:crypto';
import { dataset, key, field, timestamp, pipeline, featureset, feature, extractor, Sum, t, type Stream, type ExtractorContext } from 'thyme';
import { Order } from './orders.js';
export { Order };

@dataset({ version: 1, index: true })
export class Stats {
  @key(t.string) user_id!: string;
  @field(t.float) cents!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order] })
  static sums(orders: Stream<Order>) {
    return orders.transform({ cents: t.float }, (row) => ({ cents: row.amount * 100 })).groupBy('user_id').aggregate({ cents: Sum({ of: 'cents', window: '1h' }) });
  }
}

@featureset({ entity: 'user_id' })
export class Signals {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.string, { id: 2 }) hash!: string;
  static salt = 'salt';
  @extractor({ inputs: ['user_id'], outputs: ['hash'] })
  static hashed(_: ExtractorContext, { user_id }: Pick<Signals, 'user_id'>) {
    return { hash: createHash('sha256').update(Signals.salt + user_id).digest('hex').slice(0, 8) };
  }
}
`;

describe('modules of definitions', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thyme-module-'));
    // A hostile configuration beside the module: the bundle must not follow it.
    await writeFile(
      join(folder, 'tsconfig.json'),
      '{ "compilerOptions": { "experimentalDecorators": true, "useDefineForClassFields": false } }',
    );
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function bundle(files: Readonly<Record<string, string>>): ReturnType<typeof bundleModule> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await bundleModule(join(folder, 'features.ts'));
  }

  async function failureOf(run: () => unknown): Promise<ThymeError> {
    try {
      await run();
    } catch (error) {
      if (error instanceof ThymeError) return error;
      throw error;
    }
    throw new Error('it should throw');
  }

  it('are bundled, evaluated and read, and their functions run', async () => {
    const { code, sha256 } = await bundle({ 'orders.ts': ORDERS, 'features.ts': FEATURES });
    expect(sha256).to.match(/^[0-9a-f]{64}$/);
    expect(code).to.not.include(folder);
    const { definitions, functions } = readDefinitions(evaluateBundle(code));
    expect(definitions.datasets.map(({ name }) => name)).to.have.members(['Order', 'Stats']);
    expect(definitions.sources[0]?.config).to.deep.equal({ topic: 'orders', brokers: 'a:9092,b:9092', saslPassword: { secret: 'env:PW' } });
    expect(functions.get('Stats.sums#1')?.({ amount: 2 })).to.deep.equal({ cents: 200 });
    expect(functions.get('Signals.hashed')?.({}, { user_id: 'u' }))
      .to.have.property('hash')
      .with.lengthOf(8);
  });

  it('give the same text wherever they lie', async () => {
    const here = await bundle({ 'orders.ts': ORDERS, 'features.ts': FEATURES });
    const first = folder;
    folder = await mkdtemp(join(tmpdir(), 'thyme-elsewhere-'));
    const there = await bundle({ 'orders.ts': ORDERS, 'features.ts': FEATURES });
    await rm(first, { recursive: true });
    expect(there.sha256).to.equal(here.sha256);
  });

  it('show fields without decorators, whatever the tsconfig says', async () => {
    const { code } = await bundle({ 'features.ts': ORDERS.replace('@field(t.float) amount', 'amount') });
    const failure = await failureOf(() => readDefinitions(evaluateBundle(code)));
    expect(failure.violations.map(({ field }) => field)).to.deep.equal(['Order.amount']);
  });

  it("keep a class's own name when the bundler renames it", async () => {
    const { code } = await bundle({
      'orders.ts': ORDERS,
      'features.ts': `import * as first from './orders.js';\n${ORDERS}\nexport const other = first.Order;`,
    });
    const failure = await failureOf(() => readDefinitions(evaluateBundle(code)));
    expect(failure.message).to.include('Order: two datasets have this name');
  });

  it('that do not parse are refused with file and line', async () => {
    const failure = await failureOf(() => bundle({ 'features.ts': 'const a = 1;\nexport const b = ;\n' }));
    expect(failure.code).to.equal('THYME_MODULE_INVALID');
    expect(failure.violations[0]?.field).to.equal('features.ts:2:18');
  });

  it('that import what is not there are refused with file and line', async () => {
    const failure = await failureOf(() => bundle({ 'features.ts': "\nimport x from 'no-such-package';\nexport const y = x;" }));
    expect(failure.violations[0]?.field).to.match(/^features\.ts:2:/);
    expect(failure.message).to.include('no-such-package');
  });

  it('that throw are refused with file and line', async () => {
    const { code } = await bundle({
      'helper.ts': "\n\nexport function fail(): never {\n  throw new Error('no luck');\n}\n",
      'features.ts': "import { fail } from './helper.js';\nexport const x = fail();\n",
    });
    const failure = await failureOf(() => evaluateBundle(code));
    expect(failure.code).to.equal('THYME_MODULE_INVALID');
    expect(failure.message).to.match(/helper\.ts:4: Error: no luck/);
  });

  it('that are no JavaScript are refused', async () => {
    expect((await failureOf(() => evaluateBundle('\nlet = ;', 'bundle.cjs'))).message).to.match(/bundle\.cjs:2: SyntaxError/);
    expect((await failureOf(() => evaluateBundle('module.exports = undefined;'))).message).to.include('exports nothing');
    expect((await failureOf(() => evaluateBundle("require('left-pad');"))).message).to.include("requires 'left-pad'");
  });
});
