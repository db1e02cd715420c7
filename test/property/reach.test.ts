import { expect } from 'chai';
import fc from 'fast-check';
import { functionIdentities } from '../../libs/definition/function-identities.js';

/** One declaration of a program: it may use those behind it, so nothing goes round. */
interface Helper {
  readonly kind: 'constant' | 'arrow' | 'function' | 'object' | 'class' | 'table';
  readonly value: number;
  readonly uses: readonly number[];
}

const METHOD = (calls: string): string => `p(rows) { return rows.filter(1).transform({ y: 1 }, (r) => ({ y: ${calls} })).groupBy('k'); }`;

const programs = fc
  .integer({ min: 2, max: 9 })
  .chain((count) =>
    fc.record({
      helpers: fc.tuple(
        ...Array.from({ length: count }, (_, i) =>
          fc.record({
            kind: fc.constantFrom<Helper['kind']>('constant', 'arrow', 'function', 'object', 'class', 'table'),
            value: fc.integer({ min: 0, max: 9 }),
            uses: fc.uniqueArray(fc.integer({ min: i + 1, max: count }), { maxLength: 2 }).map((uses) => uses.filter((use) => use < count)),
          }),
        ),
      ),
      uses: fc.uniqueArray(fc.integer({ min: 0, max: count - 1 }), { minLength: 1, maxLength: 3 }),
    }),
  );

/** What another asks of a helper. */
function call({ kind }: Helper, name: string): string {
  switch (kind) {
    case 'constant':
      return name;
    case 'object':
      return `${name}.member(r)`;
    case 'class':
      return `${name}.make(r)`;
    case 'table':
      return `${name}.get(1)`;
    default:
      return `${name}(r)`;
  }
}

function declaration({ kind, value, uses }: Helper, helpers: readonly Helper[], nameOf: (i: number) => string, own: string): string {
  const sum = [String(value), ...uses.flatMap((use) => (helpers[use] === undefined ? [] : [call(helpers[use], nameOf(use))]))].join(' + ');
  switch (kind) {
    case 'constant':
      return `const ${own} = ${value};`;
    case 'arrow':
      return `const ${own} = (r) => ${sum};`;
    case 'function':
      return `function ${own}(r) { const local = ${sum}; return local; }`;
    case 'object':
      return `const ${own} = { member(r) { return ${sum}; } };`;
    case 'class':
      return `class ${own} { static make(r) { return ${sum}; } }`;
    case 'table':
      return `const ${own} = new Map(); ${own}.set(1, ${value});`;
  }
}

interface Program {
  readonly helpers: readonly Helper[];
  readonly uses: readonly number[];
}

function identity({ helpers, uses }: Program, { prefix = 'h', comment = '' } = {}): string {
  const nameOf = (i: number): string => `${prefix}${i}`;
  const method = METHOD(uses.flatMap((use) => (helpers[use] === undefined ? [] : [call(helpers[use], nameOf(use))])).join(' + '));
  // Those that are used stand before those who use them, as constants must.
  const lines = helpers.map((helper, i) => `${comment}${declaration(helper, helpers, nameOf, nameOf(i))}`).reverse();
  const code = `${lines.join('\n')}\nclass A { static ${method} }`;
  return functionIdentities(code, new Map([['A.p#1', { text: '', method: { text: method, transforms: 1 } }]])).get('A.p#1') ?? '';
}

function reachedBy({ helpers, uses }: Program): ReadonlySet<number> {
  const reached = new Set(uses);
  for (const use of reached) {
    const helper = helpers[use];
    if (helper !== undefined && helper.kind !== 'constant' && helper.kind !== 'table') for (const next of helper.uses) reached.add(next);
  }
  return reached;
}

describe('what a transform reaches, in random programs (S19)', () => {
  it('is another where something that is reached changes, and the same where anything else does', () => {
    fc.assert(
      fc.property(programs, fc.nat(), (program, pick) => {
        const changedAt = pick % program.helpers.length;
        const helpers = program.helpers.map((helper, i) => (i === changedAt ? { ...helper, value: helper.value + 1 } : helper));
        const isReached = reachedBy(program).has(changedAt);
        expect(identity({ ...program, helpers }) !== identity(program)).to.equal(isReached);
      }),
      { numRuns: 400 },
    );
  });

  it('does not depend on names, on white space or on comments', () => {
    fc.assert(
      fc.property(programs, (program) => {
        expect(identity(program, { prefix: 'other_', comment: '/* said */\n  ' })).to.equal(identity(program));
      }),
      { numRuns: 200 },
    );
  });
});
