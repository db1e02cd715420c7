import { toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import fc from 'fast-check';
import { QueryResponseSchema } from '../../gen/thyme/v1/query_pb.js';
import type { ValueType } from '../../libs/schema/value-type.js';
import { queryResponseBytes } from '../../services/query/answer-bytes.js';
import { queryResponse } from '../../services/query/answer-messages.js';
import { fieldsArbitrary, rowArbitrary } from './schema-arbitrary.js';

const times = fc.option(fc.oneof(fc.constant(0), fc.maxSafeInteger()), { nil: undefined });
const answers = fieldsArbitrary
  .filter((columns) => columns.every(({ type }) => hasPlainNames(type)))
  .chain((columns) =>
    fc.record({
      queryRunId: fc.string({ unit: 'binary', maxLength: 200 }),
      featureset: fc.constant('F'),
      keyFields: fc.constant([]),
      entity: fc.constant([]),
      columns: fc.constant(columns),
      row: rowArbitrary(columns),
      asOfUs: fc.oneof(fc.constant(0), fc.maxSafeInteger()).map((us) => us + 0),
      pointInTime: fc.boolean(),
      freshness: fc.record({ watermarkUs: times, lagUs: times }),
    }),
  );

describe('the bytes of an answer, over random data', () => {
  it('are those of its message', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        expect(queryResponseBytes(answer).toString('hex')).to.equal(
          Buffer.from(toBinary(QueryResponseSchema, queryResponse(answer))).toString('hex'),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('are those of its message where parts of it are longer than their lengths were thought to be', () => {
    const columns = [{ name: 'tags', type: { kind: 'list', of: { kind: 'string', optional: false }, optional: false } as const }];
    for (const length of [0, 1, 63, 64, 118, 126, 127, 128, 129, 5_000, 16_383, 16_384, 700_000]) {
      const answer = {
        ...{ queryRunId: 'r', featureset: 'F', keyFields: [], entity: [], columns, asOfUs: 1, pointInTime: false },
        row: [['é'.repeat(length), 'x'.repeat(length)]],
        freshness: { watermarkUs: -1, lagUs: undefined },
      };
      expect(queryResponseBytes(answer).equals(toBinary(QueryResponseSchema, queryResponse(answer))), `${length} letters`).to.equal(true);
    }
  });

  it('stay as they are while others are written', () => {
    const answer = (text: string) => ({
      ...{ queryRunId: text, featureset: 'F', keyFields: [], entity: [], columns: [], row: [], asOfUs: 1, pointInTime: true },
      freshness: { watermarkUs: undefined, lagUs: 0 },
    });
    const first = queryResponseBytes(answer('first'));
    const copy = Buffer.from(first);
    queryResponseBytes(answer('other'));
    expect(first.equals(copy)).to.equal(true);
  });
});

/** Names that begin with a digit may be numbers, which an object puts first; no definition has such. */
function hasPlainNames(type: ValueType): boolean {
  if (type.kind === 'list') return hasPlainNames(type.of);
  return type.kind !== 'struct' || type.fields.every((field) => !/^\d/.test(field.name) && hasPlainNames(field.type));
}
