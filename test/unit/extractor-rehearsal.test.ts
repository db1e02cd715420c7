import { expect } from 'chai';
import { collectDefinitions } from '../../libs/definition/collect.js';
import {
  Count,
  dataset,
  extractor,
  feature,
  featureset,
  field,
  key,
  pipeline,
  t,
  timestamp,
  type Stream,
} from '../../libs/definition/thyme.js';
import { rehearseExtractors, type Rehearsal } from '../../libs/cli/extractor-rehearsal.js';
import { systemClock } from '../../libs/time/clock.js';

@dataset({ version: 1, index: true })
class Visit {
  @key(t.string) page!: string;
  @field(t.int) ms!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1 })
class Unkept {
  @key(t.string) page!: string;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
class Pages {
  @key(t.string) page!: string;
  @field(t.int) visits!: number;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Visit] })
  static count(visits: Stream<Visit>) {
    return visits.groupBy('page').aggregate({ visits: Count({ window: '1h' }) });
  }
}

/** What an extractor does with its context, whatever the types say of it. */
let behave: (context: { lookup: (of: unknown, key: unknown) => Record<string, unknown> | null }, inputs: object) => unknown = () => ({
  n: 1,
});

@featureset({ entity: 'page' })
class Features {
  @feature(t.string, { id: 1 }) page!: string;
  @feature(t.int, { id: 2 }) n!: number;
  @extractor({ inputs: ['page'], outputs: ['n'] })
  static counted(context: unknown, inputs: { page: string }) {
    return behave(context as Parameters<typeof behave>[0], inputs) as { n: number };
  }
}

async function rehearse(how: typeof behave, exported: readonly unknown[] = [Visit, Unkept, Pages, Features]): Promise<Rehearsal> {
  behave = how;
  const { definitions, functions } = collectDefinitions(exported);
  return rehearseExtractors(definitions, functions, { clock: systemClock, placeIn: () => 'features.ts:7' });
}

describe('a rehearsal of extractors', () => {
  it('finds what they look up, and which fields they read of it', async () => {
    const { lookups, problems } = await rehearse(({ lookup }) => {
      const visit = lookup(Visit, 'p');
      return { n: (visit === null ? 0 : Number(visit['ms'])) + Number(lookup(Pages, 'p')?.['visits']) };
    });
    expect(problems).to.deep.equal([]);
    expect(lookups).to.deep.equal([
      { extractor: 'Features.counted', dataset: 'Visit', fields: ['ms'] },
      { extractor: 'Features.counted', dataset: 'Pages', fields: ['visits'] },
    ]);
  });

  it('gives nothing for what is kept row by row, and then a row; windows always', async () => {
    const rows: unknown[] = [];
    await rehearse(({ lookup }) => rows.push(lookup(Visit, 'p') === null, lookup(Pages, 'p') === null));
    expect(rows).to.deep.equal([true, false, false, false]);
  });

  const wrong: readonly (readonly [string, typeof behave, RegExp])[] = [
    [
      'a field that is not there, once',
      ({ lookup }) => [lookup(Pages, 'p')?.['visit'], lookup(Pages, 'p')?.['visit']],
      /^Features\.counted: features\.ts:7: it reads 'visit' of Pages, which has no such field; did you mean 'visits'\?$/,
    ],
    [
      'a dataset that is not kept by its key',
      ({ lookup }) => lookup(Unkept, 'p'),
      /it looks up Unkept, which is not kept by its key; add index: true/,
    ],
    ['a class that is no dataset', ({ lookup }) => lookup(Features, 'p'), /it looks up Features, which is no dataset/],
    ['nothing at all', ({ lookup }) => lookup(undefined, 'p'), /it looks up undefined, which is no dataset/],
  ];
  for (const [title, how, words] of wrong) {
    it(`names ${title}, with the place and the fix`, async () => {
      const { problems } = await rehearse(how);
      expect(problems.map(({ place, message, fix }) => `${place}: ${message}; ${fix}`).join('\n')).to.match(words);
    });
  }

  it('names a dataset that is not part of what is committed', async () => {
    const { problems } = await rehearse(({ lookup }) => lookup(Visit, 'p'), [Features]);
    expect(problems.map(({ message, fix }) => [message, fix])).to.deep.equal([
      [
        'features.ts:7: it looks up Visit, which is not part of what is committed',
        "write 'export' in front of class Visit, or export it from the module",
      ],
    ]);
  });

  it('takes no notice of what they throw, and goes on where they never end', async () => {
    const thrown = await rehearse(() => {
      throw new Error('no');
    });
    expect(thrown).to.deep.equal({ lookups: [], problems: [] });
    expect(await rehearse(() => Promise.reject(new Error('no')))).to.deep.equal({ lookups: [], problems: [] });
    const looping = await rehearse(({ lookup }) => {
      for (;;) lookup(Pages, 'p');
    });
    expect(looping.lookups).to.have.length(1);
    const endless = await rehearse(async ({ lookup }) => {
      lookup(Pages, 'p');
      await new Promise(() => undefined);
    });
    expect(endless.lookups).to.have.length(1);
  });
});
