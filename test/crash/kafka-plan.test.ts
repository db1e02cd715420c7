import { expect } from 'chai';
import fc from 'fast-check';
import { CRASH_POINTS } from './crash-points.js';
import { FLEET_POINTS, planFleet } from './kafka-plan.js';
import { planRounds } from './plan.js';

describe('what is killed on Kafka', () => {
  const options = fc.record({
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    kills: fc.nat(40),
    repeats: fc.nat(3),
    only: fc.constant(undefined),
  });

  it('is the same for the same seed, each point so many times, and all of the random kills', () => {
    fc.assert(
      fc.property(options, (given) => {
        const plans = planFleet(given);
        expect(planFleet(given)).to.deep.equal(plans);
        const kills = plans.flatMap((plan) => plan.kills);
        expect(kills.filter(({ point }) => point === undefined)).to.have.length(given.kills);
        for (const point of FLEET_POINTS)
          expect(kills.filter((kill) => kill.point === point).length, point.name).to.be.at.least(given.repeats);
      }),
    );
  });

  it('strikes a replay right after the crash that leaves something to replay, in the same process', () => {
    fc.assert(
      fc.property(options, (given) => {
        for (const { kills } of planFleet(given)) {
          for (const [i, { point, target }] of kills.entries()) {
            if (point?.need !== 'unapplied') continue;
            expect(kills[i - 1])
              .to.deep.include({ target, awaits: false })
              .with.nested.property('point.name', 'aggregator.afterCommit');
          }
        }
      }),
    );
  });

  it('leaves out the steps of the other log', () => {
    const names = (points: readonly ({ readonly name: string } | undefined)[]): ReadonlySet<string | undefined> =>
      new Set(points.map((point) => point?.name));
    const embedded = names(
      planRounds({ seed: 1, kills: 0, repeats: 1, only: undefined }).flatMap(({ kills }) => kills.map(({ point }) => point)),
    );
    const fleet = names(
      planFleet({ seed: 1, kills: 0, repeats: 1, only: undefined }).flatMap(({ kills }) => kills.map(({ point }) => point)),
    );
    for (const { name, log } of CRASH_POINTS) {
      expect(embedded.has(name), name).to.equal(log !== 'kafka');
      expect(fleet.has(name), name).to.equal(log !== 'level');
    }
  });
});
