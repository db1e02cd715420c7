import { expect } from 'chai';
import fc from 'fast-check';
import { lineDiff } from '../../services/console/page/commits/line-diff.js';

describe('the console shows the difference of two codes', () => {
  const texts = fc.array(fc.constantFrom('a', 'b', 'c', '', '  d'), { maxLength: 14 }).map((lines) => lines.join('\n'));
  const side = (lines: ReturnType<typeof lineDiff>, kind: 'gone' | 'new'): string =>
    lines
      .filter((line) => line.kind === 'same' || line.kind === kind)
      .map(({ text }) => text)
      .join('\n');

  it('from whose lines either text can be read again, with as many in common as there can be', () => {
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const lines = lineDiff(before, after);
        expect(side(lines, 'gone')).to.equal(before);
        expect(side(lines, 'new')).to.equal(after);
        const common = lines.filter(({ kind }) => kind === 'same').length;
        expect(common).to.equal(before === '' || after === '' ? 0 : longestCommon(before.split('\n'), after.split('\n')));
      }),
    );
  });

  it('where one is longer than can be compared, as all gone and all new', () => {
    const long = Array.from({ length: 1_001 }, (_, i) => `line ${i}`).join('\n');
    expect(lineDiff(long, 'one').map(({ kind }) => kind)).to.deep.equal([...Array<string>(1_001).fill('gone'), 'new']);
  });
});

/** By trying all that there is. */
function longestCommon([first, ...rest]: readonly string[], after: readonly string[]): number {
  if (first === undefined || after.length === 0) return 0;
  const without = longestCommon(rest, after);
  const at = after.indexOf(first);
  return at < 0 ? without : Math.max(without, 1 + longestCommon(rest, after.slice(at + 1)));
}
