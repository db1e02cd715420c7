// `thyme commit` of modules that are wrong: exit code 1, every error with its class, field and fix, and nothing committed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { jsonOf, request } from '../support/http.js';
import { Processes, type Ended, type ThymeProcess } from '../support/processes.js';

const IMPORTS =
  "import { Avg, Count, Max, Sum, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';\n";

const ORDER = `@dataset({ version: 1 }) export class Order {
  @key(t.string) user_id; @field(t.float) amount; @timestamp() at;
}`;
const STATS = `@dataset({ version: 1, index: true }) export class Stats {
  @key(t.string) user_id; @field(t.int) orders; @field(t.float) spend; @timestamp() at;
  @pipeline({ version: 1, inputs: [Order] }) static stats(orders) {
    return orders.groupBy('user_id').aggregate({ orders: Count({ window: '1h' }), spend: Sum({ of: 'amount', window: '7d' }) });
  }
}`;
const SIGNALS = `@featureset({ entity: 'user_id' }) export class Signals {
  @feature(t.string, { id: 1 }) user_id;
  @feature(t.int, { id: 2, ref: [Stats, 'orders'] }) orders;
  @feature(t.bool, { id: 3 }) many;
  @extractor({ inputs: ['orders'], outputs: ['many'] }) static rule(context, { orders }) { return { many: orders > 5 }; }
}`;

interface BadModule {
  readonly title: string;
  readonly source: string;
  /** One for each error, which must be all there are. */
  readonly errors: readonly RegExp[];
}

const BAD: readonly BadModule[] = [
  {
    title: 'a pipeline over what is no dataset',
    source: `${ORDER}
    @dataset({ version: 1 }) export class A { @key(t.string) user_id; @field(t.float) amount; @timestamp() at;
      @pipeline({ version: 1, inputs: [() => Order] }) static a(rows) { return rows; } }`,
    errors: [/A\.a: it cannot be read: .* is no/],
  },
  {
    title: 'features that need each other',
    source: `${ORDER}\n${STATS}\n${SIGNALS.replace("inputs: ['orders'], outputs: ['many']", "inputs: ['more'], outputs: ['many']").replace(
      /\}$/,
      `
      @feature(t.bool, { id: 4 }) more;
      @extractor({ inputs: ['many'], outputs: ['more'] }) static other(context, { many }) { return { more: many }; }
    }`,
    )}`,
    errors: [/Signals\.(many|more): it needs itself: .*←.*; take one of these inputs away/],
  },
  {
    title: 'two extractors for one feature',
    source: `${ORDER}\n${STATS}\n${SIGNALS.replace(
      /\}$/,
      `
      @extractor({ inputs: ['orders'], outputs: ['many'] }) static again(context, { orders }) { return { many: orders > 6 }; }
    }`,
    )}`,
    errors: [/Signals\.many: .*(rule|again).*;/],
  },
  {
    title: 'an aggregate that does not fit its field, another without a field, and a field without one',
    source: `${ORDER}\n${STATS.replace('@field(t.float) spend', '@field(t.string) spend; @field(t.float) mean').replace(
      "orders: Count({ window: '1h' })",
      "orders: Count({ window: '1h' }), extra: Count({ window: '1h' })",
    )}`,
    errors: [/Stats\.spend: .*;/, /Stats\.extra|Stats\.stats.*extra/, /Stats\.mean: .*;/],
  },
  {
    title: 'REST 5: features called entity_id and timestamp',
    source: `${ORDER}\n${STATS}\n${SIGNALS.replace(
      /\}$/,
      `
      @feature(t.int.optional, { id: 5, ref: [Stats, 'orders'] }) entity_id;
      @feature(t.int.optional, { id: 6, ref: [Stats, 'orders'] }) timestamp;
    }`,
    )}`,
    errors: [
      /Signals\.entity_id: 'entity_id' is a column of every answer already; choose another name/,
      /Signals\.timestamp: 'timestamp' is a column of every answer already; choose another name/,
    ],
  },
  {
    title: 'names that are nearly right',
    source: `${ORDER}\n${STATS.replace("of: 'amount'", "of: 'amuont'")}\n${SIGNALS.replace("[Stats, 'orders']", "[Stats, 'order']")}`,
    errors: [
      /Stats\.(spend|stats).*amuont.*amount/,
      /Signals\.orders: its ref names 'Stats\.order', which is no field; did you mean 'orders'\?/,
    ],
  },
  {
    title: 'a window that is no duration',
    source: `${ORDER}\n${STATS.replace("window: '1h'", "window: 'one hour'")}`,
    errors: [/Stats\.orders|one hour/],
  },
  { title: 'code that does not parse', source: `${ORDER}\nexport class {`, errors: [/features\.ts:\d+:\d+: /] },
  {
    title: 'code that throws',
    source: `${ORDER}\nthrow new RangeError('on purpose');`,
    errors: [/features\.ts:\d+: RangeError: on purpose/],
  },
  {
    title: 'a package that is not there',
    source: `import 'no-such-package';\n${ORDER}`,
    errors: [/features\.ts:\d+:\d+: .*no-such-package/],
  },
  {
    title: 'a module that exports nothing',
    source: ORDER.replace('export class', 'class'),
    errors: [/features\.ts: it exports no dataset and no featureset, .*: write 'export' in front of the classes/],
  },
];

const BREAKING: readonly BadModule[] = [
  {
    title: 'another window and another type',
    source: `${ORDER.replace('t.float) amount', 't.int) amount')}\n${STATS.replace('t.float) spend', 't.int) spend').replace("window: '7d'", "window: '8d'")}\n${SIGNALS}`,
    errors: [
      /Order\.amount: its type was t?\.?float and is t?\.?int: raise the version of Order|Order\.amount: .*raise the version of Order/,
      /Stats\.(spend|stats): .*version/,
    ],
  },
  {
    title: 'another key',
    source: `${ORDER.replace('@key(t.string) user_id; @field(t.float) amount', '@key(t.string) user_id; @key(t.string) shop; @field(t.float) amount')}\n${STATS}\n${SIGNALS}`,
    errors: [/Order: its key was \(user_id\) and is \(user_id, shop\): raise the version of Order/],
  },
  {
    title: 'an id that another feature had',
    source: `${ORDER}\n${STATS}\n${SIGNALS.replaceAll('many', 'plenty')}`,
    errors: [/Signals\.(many|plenty): .*id/],
  },
];

describe('thyme commit of modules that are wrong', function () {
  this.timeout(300_000);
  const processes = new Processes();
  let thyme: ThymeProcess;

  before(async () => {
    thyme = await processes.serve(processes.subfolder('data'));
    const { code, stderr } = await commit('good', `${ORDER}\n${STATS}\n${SIGNALS}`);
    expect(code, stderr).to.equal(0);
  });
  after(() => processes.end());

  function commit(folder: string, source: string): Promise<Ended> {
    const file = join(processes.subfolder(folder), 'features.ts');
    writeFileSync(file, IMPORTS + source);
    return processes.run(['commit', file], { env: { THYME_API_URL: thyme.restUrl } });
  }

  async function latestCommit(): Promise<unknown> {
    return (jsonOf(await request(`${thyme.restUrl}/api/v1/status`)).latest_commit as { readonly id: string }).id;
  }

  function expectErrors({ code, stdout, stderr }: Ended, errors: readonly RegExp[]): void {
    expect(code, stderr).to.equal(1);
    expect(stdout).to.equal('');
    for (const error of errors) expect(stderr).to.match(error);
    expect(stderr).to.not.match(/\n\s+at |node_modules/, 'a stack');
    expect(new Set(stderr.trim().split('\n')).size, 'an error is told twice').to.equal(stderr.trim().split('\n').length);
  }

  BAD.forEach((bad, i) => {
    it(`refuses ${bad.title}`, async () => {
      const ended = await commit(`bad-${i}`, bad.source);
      expectErrors(ended, bad.errors);
      expect(await latestCommit()).to.equal('1');
    });
  });

  BREAKING.forEach((bad, i) => {
    it(`S19: refuses ${bad.title} without a new version`, async () => {
      const ended = await commit(`breaking-${i}`, bad.source);
      expectErrors(ended, bad.errors);
      expect(await latestCommit()).to.equal('1');
    });
  });

  it('S19: commits what is good after all of that, and what is new in place', async () => {
    const { code, stderr } = await commit('better', `${ORDER}\n${STATS}\n${SIGNALS}\n${SIGNALS.replace('Signals', 'More')}`);
    expect(code, stderr).to.equal(0);
    expect(await latestCommit()).to.equal('2');
    expect(thyme.stderr()).to.not.match(/"level":"error"/);
  });
});
