// A module of definitions that changes in ways that S19, S19a and S25a allow, and what its datasets then hold: the contract as
// loops over the accepted records.

/** What was pushed, as the newest version of D holds it. */
export interface Held {
  readonly k: string;
  readonly x: number;
  /** Event time, ms. */
  readonly at: number;
  /** Which push brought it. */
  readonly push: number;
}

interface Upgrade {
  readonly text: string;
  /** Undefined for a record that the function throws at. */
  readonly apply: (row: Held) => Held | undefined;
}

export interface Shape {
  readonly d: { readonly version: number; readonly extra: number; readonly upgrade: string };
  /** The aggregation over D; undefined while it is removed. */
  readonly a:
    { readonly name: string; readonly version: number; readonly rate: number; readonly above: number; readonly max: boolean } | undefined;
  /** The pipeline that publishes, and the one that is chained on it; undefined while they are removed. */
  readonly big: { readonly version: number; readonly name: string; readonly pipelineVersion: number; readonly above: number } | undefined;
}

export const FIRST: Shape = {
  d: { version: 1, extra: 0, upgrade: '' },
  a: { name: 'build', version: 1, rate: 2, above: 0, max: false },
  big: { version: 1, name: 'pass', pipelineVersion: 1, above: 3 },
};

export function moduleOf({ d, a, big }: Shape): string {
  const extra = Array.from({ length: d.extra }, (_, i) => `@field(t.int.optional) e${i};`).join(' ');
  return `import { Count, LastK, Max, Sum, dataset, field, key, pipeline, t, timestamp } from 'thyme';
const RATE = ${a?.rate ?? 1};
const scaled = (x) => x * RATE;
@dataset({ version: ${d.version}, index: true${d.upgrade === '' ? '' : `, upgrade: ${d.upgrade}`} }) export class D {
  @key(t.string) k; @field(t.int) x; ${extra} @timestamp() at;
}
${
  a === undefined
    ? ''
    : `@dataset({ version: 1, index: true }) export class A {
  @key(t.string) k; @field(t.int) n; @field(t.int) hour; @field(t.int) s; @field(t.list(t.int)) last; ${a.max ? '@field(t.int.optional) most;' : ''} @timestamp() at;
  @pipeline({ version: ${a.version}, inputs: [D] }) static ${a.name}(rows) {
    return rows.filter((r) => r.x.gt(${a.above})).transform({ y: t.int }, (r) => ({ y: scaled(r.x) })).groupBy('k').aggregate({
      n: Count(), hour: Count({ window: '1h' }), s: Sum({ of: 'y' }), last: LastK({ of: 'x', k: 1000 })${a.max ? ", most: Max({ of: 'x', window: '1d' })" : ''} });
  }
}`
}
${
  big === undefined
    ? ''
    : `@dataset({ version: ${big.version}, publish: true }) export class Big {
  @key(t.string) k; @field(t.int) x; @timestamp() at;
  @pipeline({ version: ${big.pipelineVersion}, inputs: [D] }) static ${big.name}(rows) { return rows.filter((r) => r.x.gt(${big.above})).select('k', 'x', 'at'); }
}
@dataset({ version: 1, index: true }) export class C {
  @key(t.string) k; @field(t.int) n; @field(t.int) s; @timestamp() at;
  @pipeline({ version: 1, inputs: [Big] }) static chain(rows) { return rows.groupBy('k').aggregate({ n: Count(), s: Sum({ of: 'x' }) }); }
}`
}`;
}

/** The functions that records are carried over with, by a number that is drawn. */
export function upgradeOf(kind: number, c: number): Upgrade {
  switch (kind) {
    case 0:
      return { text: `(old) => ({ ...old, x: old.x + ${c} })`, apply: (row) => ({ ...row, x: row.x + c }) };
    case 1:
      return {
        text: `(old) => ({ ...old, k: old.x % 3 === 0 ? 'k${c}' : old.k })`,
        apply: (row) => ({ ...row, k: row.x % 3 === 0 ? `k${c}` : row.k }),
      };
    default:
      return {
        text: `(old) => { if (old.x % 7 === ${c}) throw new Error('unlucky'); return { ...old, x: old.x % 5 === 0 ? 'many' : old.x }; }`,
        apply: (row) => (row.x % 7 === c || row.x % 5 === 0 ? undefined : row),
      };
  }
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a lookup of A answers at T, from what was known after a push. */
export function answerOfA(held: readonly Held[], a: NonNullable<Shape['a']>, k: string, at: number, upToPush = Number.POSITIVE_INFINITY) {
  const rows = held
    .filter((row) => row.k === k && row.x > a.above && row.at <= at && row.push <= upToPush)
    .sort((one, other) => other.at - one.at);
  const ofDay = rows.filter((row) => row.at >= at - DAY_MS).map(({ x }) => x);
  return {
    n: rows.length,
    hour: rows.filter((row) => row.at >= at - HOUR_MS).length,
    s: rows.reduce((sum, { x }) => sum + x * a.rate, 0),
    last: rows.map(({ x }) => x),
    ...(a.max ? { most: ofDay.length === 0 ? null : Math.max(...ofDay) } : {}),
  };
}

export function answerOfC(held: readonly Held[], big: NonNullable<Shape['big']>, k: string, at: number) {
  const rows = held.filter((row) => row.k === k && row.x > big.above && row.at <= at);
  return { n: rows.length, s: rows.reduce((sum, { x }) => sum + x, 0) };
}
