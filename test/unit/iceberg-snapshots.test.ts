// Which commits of an Iceberg table are still to be read, against a walk that is too simple to be wrong; and where a source may be put.
import { expect } from 'chai';
import fc from 'fast-check';
import { snapshotsSince } from '../../libs/source/iceberg/snapshot-walk.js';
import { parseExactJson } from '../../libs/codec/exact-json.js';
import { type TableMetadata, tableMetadataOf } from '../../libs/source/iceberg/table-metadata.js';
import { decodePosition, encodePosition, type TablePosition } from '../../libs/source/iceberg/table-position.js';
import { seekSnapshot } from '../../libs/source/iceberg/table-seek.js';

/** Ids that no double holds. */
const BASE = 9_007_199_254_740_993n;
const idOf = (n: number): string => String(BASE + BigInt(n));

function readText(text: string): TableMetadata {
  return tableMetadataOf(parseExactJson(text));
}

/** Each commit by the number of its parent (-1: none); those of `expired` are gone. */
function tableOf(parents: readonly number[], current: number, expired: ReadonlySet<number> = new Set()): TableMetadata {
  const snapshots = parents.flatMap((parent, n) => {
    if (expired.has(n)) return [];
    const above = parent < 0 ? '' : `"parent-snapshot-id":${idOf(parent)},`;
    return [
      `{"snapshot-id":${idOf(n)},${above}"sequence-number":${n + 1},"timestamp-ms":${n},"manifest-list":"m${n}","summary":{"operation":"append"}}`,
    ];
  });
  const schema = '"schemas":[{"schema-id":0,"type":"struct","fields":[]}],"current-schema-id":0';
  return readText(
    `{"format-version":2,"table-uuid":"u","location":"/t",${schema},"partition-specs":[{"spec-id":0,"fields":[]}],"current-snapshot-id":${current < 0 ? -1 : idOf(current)},"snapshots":[${snapshots.join(',')}]}`,
  );
}

describe('the commits of an Iceberg table', () => {
  it('are those between the one that was read and the current one, or the source stops', () => {
    const tree = fc.array(fc.nat(), { minLength: 1, maxLength: 12 }).map((draws) => draws.map((draw, n) => (n === 0 ? -1 : draw % n)));
    fc.assert(
      fc.property(tree, fc.nat(), fc.nat(), fc.uniqueArray(fc.nat(11)), (parents, currentDraw, seenDraw, gone) => {
        const current = currentDraw % parents.length;
        const seen = seenDraw % parents.length;
        const expired = new Set(gone.filter((n) => n !== current));
        const expected: number[] = [];
        let at = current;
        while (at !== seen && at >= 0 && !expired.has(at)) {
          expected.unshift(at);
          at = parents[at] ?? -1;
        }
        const walk = (): readonly string[] => snapshotsSince(tableOf(parents, current, expired), idOf(seen)).map(({ id }) => id);
        if (at === seen) expect(walk()).to.deep.equal(expected.map(idOf));
        else expect(walk).to.throw(expired.has(seen) ? /has been expired/ : /has been expired|does not come from/);
      }),
    );
  });

  it('of a table that was empty are all of them, unless the first ones were expired', () => {
    expect(snapshotsSince(tableOf([], -1), null)).to.deep.equal([]);
    expect(snapshotsSince(tableOf([-1, 0], 1), null).map(({ id }) => id)).to.deep.equal([idOf(0), idOf(1)]);
    expect(() => snapshotsSince(tableOf([-1, 0], 1, new Set([0])), null)).to.throw(/has been expired before it was read/);
    expect(() => snapshotsSince(tableOf([-1, -1], 1, new Set([0])), null)).to.throw(/has been expired before it was read/);
  });

  it('tell where a source may be put: behind any of them, and never before what was published', () => {
    const table = tableOf([-1, 0, 1, 1], 2);
    const at = (seen: string | null): TablePosition => ({ table: 'u', seen, first: null, changedUs: 5, at: null });
    expect(seekSnapshot(table, undefined, undefined)).to.deep.include({ seen: idOf(2) });
    expect(seekSnapshot(table, idOf(1), undefined)).to.deep.include({ seen: idOf(1), first: null });
    expect(seekSnapshot(table, idOf(2), encodePosition(at(idOf(1))))).to.deep.include({ seen: idOf(2), changedUs: 5 });
    expect(() => seekSnapshot(table, idOf(0), encodePosition(at(idOf(1))))).to.throw(/lies before snapshot .* would be published again/);
    expect(() => seekSnapshot(table, idOf(3), undefined)).to.throw(/the table's history has no snapshot/);
    expect(() => seekSnapshot(table, idOf(2), encodePosition(at(idOf(3))))).to.throw(/no part of the table's history: only now/);
    expect(seekSnapshot(table, undefined, encodePosition(at(idOf(3))))).to.deep.include({ seen: idOf(2) });
  });

  it('have positions that go through JSON, and refuse what is none', () => {
    const position: TablePosition = { table: 'u', seen: idOf(1), first: null, changedUs: 5, at: { snapshot: idOf(2), file: 3, row: 4 } };
    expect(decodePosition(JSON.parse(JSON.stringify(encodePosition(position))) as never)).to.deep.equal(position);
    for (const broken of [
      null,
      'x',
      {},
      { table: 'u', seen: 7, first: null, changedUs: 0 },
      { table: 'u', seen: null, first: null, changedUs: 0, at: {} },
    ])
      expect(() => decodePosition(broken)).to.throw(/not one of an Iceberg table/);
  });

  it('are refused by name where the table is of a version, or has columns, that are not read', () => {
    const text = (version: number, type: string): string =>
      `{"format-version":${version},"table-uuid":"u","location":"/t","schemas":[{"schema-id":0,"type":"struct","fields":[{"id":1,"name":"a","type":"long"${type}}]}],"current-schema-id":0}`;
    expect(() => readText(text(4, ''))).to.throw(/format version 4; 1 and 2 are read, and 3/);
    expect(() => readText(text(3, ',"initial-default":7'))).to.throw(/the column a has an initial-default \(format version 3\)/);
    expect(readText(text(3, '')).fields).to.have.length(1);
  });
});
