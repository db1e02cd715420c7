import { expect } from 'chai';
import fc from 'fast-check';
import { invalidArgument, nearestName, notFound } from '../../libs/errors/errors.js';

describe('errors', () => {
  it('name the field and the fix', () => {
    const error = invalidArgument('events[3].amount', 'expected a float, got text: send a number');
    expect(error.message).to.equal('events[3].amount: expected a float, got text: send a number');
    expect(error.violations.map((violation) => violation.field)).to.deep.equal(['events[3].amount']);
    expect(error.status).to.equal('INVALID_ARGUMENT');
  });

  it('count edits as the plain definition does, whatever the names', () => {
    const plain = (a: string, b: string): number => {
      if (a === '' || b === '') return a.length + b.length;
      const rest = plain(a.slice(1), b.slice(1));
      return a[0] === b[0] ? rest : 1 + Math.min(rest, plain(a.slice(1), b), plain(a, b.slice(1)));
    };
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });
    fc.assert(
      fc.property(word, word, (name, known) => {
        expect(nearestName(name, [known])).to.equal(name !== '' && plain(name, known) <= 2 ? known : undefined);
      }),
    );
  });

  it('suggest the nearest name, and none that is far', () => {
    expect(nearestName('FraudSignal', ['UserStats', 'FraudSignals'])).to.equal('FraudSignals');
    expect(nearestName('fraudsignals', ['FraudSignals'])).to.equal('FraudSignals');
    expect(nearestName('Weather', ['UserStats', 'FraudSignals'])).to.equal(undefined);
    expect(nearestName('__proto__', [])).to.equal(undefined);
    expect(nearestName('', ['to'])).to.equal(undefined);
    expect(nearestName('timestmap', ['known_at', 'timestamp'])).to.equal('timestamp');
    expect(nearestName('abcdefgh_ijklmnop', ['abcdefgh_ijkl', 'abcdefgh'])).to.equal('abcdefgh_ijkl');
    expect(nearestName('abcdefgh_ijklmnop', ['abcdefgh_ijk'])).to.equal(undefined);
    expect(notFound('featureset', 'FraudSignal', ['FraudSignals']).message).to.contain("did you mean 'FraudSignals'?");
  });
});
