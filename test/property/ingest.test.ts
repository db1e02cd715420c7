import { expect } from 'chai';
import fc from 'fast-check';
import { ingestFixture, orderOf } from '../unit/ingest-fixture.js';

const members = fc.record(
  { amount: fc.jsonValue(), quantity: fc.jsonValue(), user_id: fc.jsonValue(), ordered_at: fc.jsonValue(), ['__proto__']: fc.jsonValue() },
  { requiredKeys: [], noNullPrototype: true },
);
const records = fc.array(fc.oneof(fc.jsonValue(), members.map(orderOf), fc.constant(orderOf())), { maxLength: 20 });

describe('ingest, over whatever JSON holds', () => {
  it('takes or refuses each record, alone and for good, in both forms of a body (S12, S13)', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.boolean(), async (batch, asLines) => {
        const fixture = await ingestFixture();
        const text = asLines ? batch.map((record) => JSON.stringify(record)).join('\n') : JSON.stringify(batch);
        fc.pre(!asLines || !text.startsWith('[')); // then it is an array
        const { eventsSent, errors } = await fixture.pushJson(text, { producerId: 'p', sequence: 7n });
        const refused = new Set(errors.map((error) => error.index));
        const dead = await fixture.dead();
        const stored = await fixture.stored();
        expect(Number(eventsSent)).to.equal(stored.length);
        expect(stored.length + refused.size).to.equal(batch.length);
        expect(dead.map((letter) => Number(letter['sequence']) - 7)).to.deep.equal([...refused]);
        expect(stored.map((record) => (record.sequence ?? 0) - 7).sort((a, b) => a - b)).to.deep.equal(
          batch.flatMap((_, i) => (refused.has(i) ? [] : [i])),
        );
        for (const letter of dead)
          expect(JSON.parse(String(letter['record']))).to.deep.equal(JSON.parse(JSON.stringify(batch[Number(letter['sequence']) - 7])));
      }),
    );
  });
});
