import { expect } from 'chai';
import fc from 'fast-check';
import { withLongNumbersQuoted } from '../../services/ingest/exact-decimals.js';
import { exceedsValues } from '../../services/ingest/json-values.js';

/** What a regular expression would do with texts that are short enough for one. */
function naiveQuoted(text: string): string | undefined {
  let found = false;
  const quoted = text.replace(/"(?:[^"\\\n]|\\[^])*(?:"|\n|\\?$)|-?\d[\d.eE+-]*/g, (token) => {
    const digits = (token.split(/[eE]/)[0] ?? '').replace(/\D/g, '').replace(/^0+/, '').length;
    if (token.startsWith('"') || digits <= 15) return token;
    found = true;
    return `"${token}"`;
  });
  return found ? quoted : undefined;
}

const longNumber = fc.stringMatching(/^-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,2})?$/);
const piece = fc.oneof(longNumber, fc.constantFrom('"', '\\', '\n', ' ', ',', ':', '{', '[', ']', '}', 'e', '-', '.', 'a', 'true'));

describe('scans of pushed text', () => {
  it('quote long numbers outside strings as a regular expression does', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = `[12345678901234567890,${pieces.join('')}`;
        expect(withLongNumbersQuoted(text)).to.equal(naiveQuoted(text));
      }),
      { numRuns: 500 },
    );
  });

  it('take time that grows with the text, whatever it is', () => {
    // 36 s with a regular expression: each quote begins a string that does not end.
    const hostile = `{"a":12345678901234567890}\n${'\\"'.repeat(160_000)}`;
    const startMs = performance.now();
    expect(withLongNumbersQuoted(hostile)).to.contain('"12345678901234567890"');
    expect(withLongNumbersQuoted(`[12345678901234567890,"${'\\"'.repeat(160_000)}`)).to.contain('"12345678901234567890"');
    expect(exceedsValues(Buffer.from(hostile), 10)).to.equal(false);
    expect(performance.now() - startMs).to.be.below(1_000);
  });

  it('count values as a parser finds them', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        // A bracket for each list and object, and commas between what they hold.
        const count = (value: unknown): number => {
          if (typeof value !== 'object' || value === null) return 0;
          const members = Object.values(value);
          return members.reduce((sum: number, member) => sum + count(member), 1 + Math.max(0, members.length - 1));
        };
        const values = count(JSON.parse(json));
        expect(exceedsValues(Buffer.from(json), values)).to.equal(false);
        if (values > 0) expect(exceedsValues(Buffer.from(json), values - 1)).to.equal(true);
      }),
    );
    expect(exceedsValues(Buffer.from('[{},{},{}]'), 5)).to.equal(true);
    expect(exceedsValues(Buffer.from('["[[[[,,,,"]'), 1)).to.equal(false);
  });
});
