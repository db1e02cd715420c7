import { expect } from 'chai';
import { invalidArgument, nearestName, notFound } from '../../libs/errors/errors.js';

describe('errors', () => {
  it('name the field and the fix', () => {
    const error = invalidArgument('events[3].amount', 'expected a float, got text: send a number');
    expect(error.message).to.equal('events[3].amount: expected a float, got text: send a number');
    expect(error.violations.map((violation) => violation.field)).to.deep.equal(['events[3].amount']);
    expect(error.status).to.equal('INVALID_ARGUMENT');
  });

  it('suggest the nearest name, and none that is far', () => {
    expect(nearestName('FraudSignal', ['UserStats', 'FraudSignals'])).to.equal('FraudSignals');
    expect(nearestName('fraudsignals', ['FraudSignals'])).to.equal('FraudSignals');
    expect(nearestName('Weather', ['UserStats', 'FraudSignals'])).to.equal(undefined);
    expect(nearestName('__proto__', [])).to.equal(undefined);
    expect(notFound('featureset', 'FraudSignal', ['FraudSignals']).message).to.contain("did you mean 'FraudSignals'?");
  });
});
