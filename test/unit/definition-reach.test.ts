import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { bundleFunctions } from '../../libs/definition/bundle-functions.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface Parts {
  /** Before the classes. */
  readonly top?: string;
  /** The author's function: what makes y of a row. */
  readonly compute?: string;
  readonly inMethod?: string;
  readonly aggregations?: string;
  readonly members?: string;
  readonly behind?: string;
  readonly extractor?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** The identity of the transform of a module that is made of these parts. */
async function identityOf({
  top = '',
  compute = '(r) => ({ y: r.x })',
  inMethod = '',
  aggregations = "s: Sum({ of: 'y' })",
  members = '',
  behind = '',
  extractor = '1',
  files = {},
}: Parts): Promise<string | undefined> {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'lib'), { recursive: true });
    writeFileSync(join(folder, 'lib', name), text);
  }
  const path = join(folder, 'features.ts');
  writeFileSync(
    path,
    `import { Count, Sum, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
${top}
@dataset({ version: 1 }) export class D { @key(t.string) k; @field(t.float) x; @timestamp() at; }
@dataset({ version: 1, index: true }) export class A {
  ${members}
  @key(t.string) k; @field(t.float) s; @timestamp() at;
  @pipeline({ version: 1, inputs: [D] }) static p(rows) {
    ${inMethod}
    return rows.transform({ y: t.float }, ${compute}).groupBy('k').aggregate({ ${aggregations} });
  }
}
@featureset({ entity: 'k' }) export class F {
  @feature(t.string, { id: 1 }) k; @feature(t.float, { id: 2, ref: [A, 's'] }) s; @feature(t.float, { id: 3 }) e;
  @extractor({ inputs: ['s'], outputs: ['e'] }) static e(context, { s }) { return { e: ${extractor} }; }
}
${behind}`,
  );
  const { code } = await bundleModule(path);
  return bundleFunctions(code).get('A.p#1');
}

const HELPER: Parts = { top: 'const RATE = 2; const converted = (x) => x * RATE;', compute: '(r) => ({ y: converted(r.x) })' };
const TABLE = 'const table = { eur: 1 };';
const READS_TABLE = '(r) => ({ y: table.eur * r.x })';

/** Two modules, and whether the transform is another (S19). */
const CASES: readonly (readonly [string, Parts, Parts, 'same' | 'other'])[] = [
  ['a constant that a helper reads', HELPER, { ...HELPER, top: 'const RATE = 100; const converted = (x) => x * RATE;' }, 'other'],
  ['a helper', HELPER, { ...HELPER, top: 'const RATE = 2; const converted = (x) => x + RATE;' }, 'other'],
  ['the function itself', HELPER, { ...HELPER, compute: '(r) => ({ y: converted(r.x) + 1 })' }, 'other'],
  [
    'names',
    HELPER,
    {
      top: 'const rate = 2; function unused() {}; const inEuros = (amount) => amount * rate;',
      compute: '(row) => ({ y: inEuros(row.x) })',
    },
    'same',
  ],
  [
    'white space and comments',
    HELPER,
    { ...HELPER, top: '// The rate of today.\nconst RATE =\n  2;\nconst converted = (x) => /* times */ x * RATE;' },
    'same',
  ],
  ['what it does not reach', HELPER, { ...HELPER, top: `const OTHER = 1; ${HELPER.top ?? ''} const more = () => OTHER;` }, 'same'],
  ['an extractor', HELPER, { ...HELPER, extractor: 's * 2' }, 'same'],
  ['an extractor that shares a helper with it', HELPER, { ...HELPER, extractor: 'converted(s)' }, 'same'],
  ['an aggregation beside it', HELPER, { ...HELPER, aggregations: "s: Sum({ of: 'y' }), n: Count()", members: '@field(t.int) n;' }, 'same'],
  [
    'a local of the method',
    { inMethod: 'const rate = 2;', compute: '(r) => ({ y: r.x * rate })' },
    { inMethod: 'const rate = 3;', compute: '(r) => ({ y: r.x * rate })' },
    'other',
  ],
  [
    "a closure's argument",
    { top: 'const times = (f) => (r) => ({ y: r.x * f });', compute: 'times(2)' },
    { top: 'const times = (f) => (r) => ({ y: r.x * f });', compute: 'times(3)' },
    'other',
  ],
  [
    'a member of an object',
    { top: 'const h = { f: (x) => x };', compute: '(r) => ({ y: h.f(r.x) })' },
    { top: 'const h = { f: (x) => x * 2 };', compute: '(r) => ({ y: h.f(r.x) })' },
    'other',
  ],
  [
    'what fills a table',
    { top: `${TABLE} table.eur = 2;`, compute: READS_TABLE },
    { top: `${TABLE} table.eur = 3;`, compute: READS_TABLE },
    'other',
  ],
  [
    'what fills a table by a call',
    { top: `${TABLE} Object.assign(table, { eur: 2 });`, compute: READS_TABLE },
    { top: `${TABLE} Object.assign(table, { eur: 3 });`, compute: READS_TABLE },
    'other',
  ],
  [
    'what fills a table in a loop',
    { top: `${TABLE} [2].forEach((n) => { table.eur = n; });`, compute: READS_TABLE },
    { top: `${TABLE} [3].forEach((n) => { table.eur = n; });`, compute: READS_TABLE },
    'other',
  ],
  [
    'what a setter is called with',
    { top: 'let rate = 1; function set(n) { rate = n; } set(2);', compute: '(r) => ({ y: r.x * rate })' },
    { top: 'let rate = 1; function set(n) { rate = n; } set(3);', compute: '(r) => ({ y: r.x * rate })' },
    'other',
  ],
  [
    'a static of a class',
    { members: 'static rate = 2;', compute: '(r) => ({ y: r.x * A.rate })' },
    { members: 'static rate = 3;', compute: '(r) => ({ y: r.x * A.rate })' },
    'other',
  ],
  [
    'another static of that class',
    { members: 'static rate = 2; static other = 1;', compute: '(r) => ({ y: r.x * A.rate })' },
    { members: 'static rate = 2; static other = 2;', compute: '(r) => ({ y: r.x * A.rate })' },
    'same',
  ],
  [
    'a static method that asks another',
    { members: 'static f(x) { return this.g(x); } static g(x) { return x; }', compute: '(r) => ({ y: A.f(r.x) })' },
    { members: 'static f(x) { return this.g(x); } static g(x) { return -x; }', compute: '(r) => ({ y: A.f(r.x) })' },
    'other',
  ],
  [
    'what is imported',
    {
      top: "import { f } from './lib/a.js';",
      compute: '(r) => ({ y: f(r.x) })',
      files: { 'a.ts': "import { k } from './b.js'; export const f = (x) => x * k;", 'b.ts': 'export const k = 2;' },
    },
    {
      top: "import { f } from './lib/a.js';",
      compute: '(r) => ({ y: f(r.x) })',
      files: { 'a.ts': "import { k } from './b.js'; export const f = (x) => x * k;", 'b.ts': 'export const k = 3;' },
    },
    'other',
  ],
  [
    'a name that the bundler gives anew',
    {
      top: "import { f } from './lib/a.js'; const k = 1;",
      compute: '(r) => ({ y: f(r.x) * k })',
      files: { 'a.ts': 'export const f = (x) => x * 2;' },
    },
    {
      top: "import { f } from './lib/a.js'; const k = 1;",
      compute: '(r) => ({ y: f(r.x) * k })',
      files: { 'a.ts': 'const k = 2; export const other = k; export const f = (x) => x * 2;' },
    },
    'same',
  ],
  [
    'what an enum holds',
    { top: 'enum E { a = 1 } ', compute: '(r) => ({ y: r.x * E[String(r.k)] })' },
    { top: 'enum E { a = 2 } ', compute: '(r) => ({ y: r.x * E[String(r.k)] })' },
    'other',
  ],
  [
    'anything, where it calls eval',
    { top: 'const o = 1;', compute: "(r) => ({ y: eval('o') })" },
    { top: 'const o = 2;', compute: "(r) => ({ y: eval('o') })" },
    'other',
  ],
  [
    'anything, where it reads the global object',
    { top: 'globalThis.o = 1;', compute: "(r) => ({ y: globalThis['o'] })" },
    { top: 'globalThis.o = 2;', compute: "(r) => ({ y: globalThis['o'] })" },
    'other',
  ],
  [
    'a prototype',
    { top: 'Number.prototype.o = 1;', compute: '(r) => ({ y: Number(r.x).o })' },
    { top: 'Number.prototype.o = 2;', compute: '(r) => ({ y: Number(r.x).o })' },
    'other',
  ],
  [
    'a function that makes the transform elsewhere',
    {
      top: 'const via = (rows) => rows.transform({ y: t.float }, (r) => ({ y: r.x }));',
      inMethod: "return via(rows).groupBy('k').aggregate({ s: Sum({ of: 'y' }) });",
    },
    {
      top: 'const via = (rows) => rows.transform({ y: t.float }, (r) => ({ y: -r.x }));',
      inMethod: "return via(rows).groupBy('k').aggregate({ s: Sum({ of: 'y' }) });",
    },
    'other',
  ],
  [
    'a default of a parameter',
    { top: 'const f = (x, k = 2) => x * k;', compute: '(r) => ({ y: f(r.x) })' },
    { top: 'const f = (x, k = 3) => x * k;', compute: '(r) => ({ y: f(r.x) })' },
    'other',
  ],
  [
    'what a destructured constant holds',
    { top: 'const { k } = { k: 2 };', compute: '(r) => ({ y: r.x * k })' },
    { top: 'const { k } = { k: 3 };', compute: '(r) => ({ y: r.x * k })' },
    'other',
  ],
  [
    'a shadowed name',
    { top: 'const k = 2; const f = (k) => k;', compute: '(r) => ({ y: f(r.x) })' },
    { top: 'const k = 3; const f = (k) => k;', compute: '(r) => ({ y: f(r.x) })' },
    'same',
  ],
];

describe('what a transform reaches (S19)', function () {
  this.timeout(60_000);
  for (const [what, before, after, outcome] of CASES) {
    it(`${outcome === 'same' ? 'does not count' : 'counts'}: ${what}`, async () => {
      const [one, other] = [await identityOf(before), await identityOf(after)];
      expect(one).to.be.a('string');
      if (outcome === 'same') expect(other).to.equal(one);
      else expect(other).to.not.equal(one);
    });
  }
});
