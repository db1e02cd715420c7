import { hrefOf } from '../place.js';
import type { Status } from '../status.js';
import { countText } from '../words.js';

export interface Trouble {
  readonly tone: 'warning' | 'error';
  readonly text: string;
  /** Where more is said of it. */
  readonly href?: string;
}

/** A pipeline that has caught up and is this far behind again is being outrun. */
const LAG_RECORDS = 10_000;
const FRESHNESS_P99_MS = 5_000;

/** What is not as it should be, the worst first. */
export function findTroubles(status: Status): readonly Trouble[] {
  const troubles = [
    ...servicesDown(status),
    ...sourcesInTrouble(status),
    ...recordsLost(status),
    ...slowness(status),
    ...lastErrors(status),
  ];
  return troubles.sort((one, other) => Number(other.tone === 'error') - Number(one.tone === 'error'));
}

function servicesDown({ unavailable }: Status): readonly Trouble[] {
  return unavailable.map((service) => ({ tone: 'error', text: `The ${service} does not answer: what it knows is missing here` }));
}

function sourcesInTrouble({ sources }: Status): readonly Trouble[] {
  return sources.flatMap(({ dataset, state, cause }): readonly Trouble[] => {
    const href = hrefOf(['catalog', 'dataset', dataset]);
    if (state === 'stopped')
      return [{ tone: 'error', text: `The source of ${dataset} stands still: ${cause ?? 'no cause is told'}`, href }];
    if (state === 'retrying')
      return [{ tone: 'warning', text: `The source of ${dataset} is tried again: ${cause ?? 'no cause is told'}`, href }];
    return [];
  });
}

function recordsLost({ jobs, intakes, pipelines }: Status): readonly Trouble[] {
  return [
    ...jobs.flatMap(({ name, progress: { dead, lag, caught_up } }): readonly Trouble[] => {
      const href = hrefOf(['catalog', 'pipeline', name]);
      const letters = hrefOf(['jobs'], { dead: pipelines.find((pipeline) => pipeline.name === name)?.input_datasets[0] });
      return [
        ...(dead > 0 ? [{ tone: 'error' as const, text: `${countText(dead)} records are dead letters of ${name}`, href: letters }] : []),
        ...(caught_up && lag > LAG_RECORDS
          ? [{ tone: 'warning' as const, text: `${name} is ${countText(lag)} records behind`, href }]
          : []),
      ];
    }),
    ...intakes.flatMap(({ dataset, refused, expectations }): readonly Trouble[] => {
      const href = hrefOf(['catalog', 'dataset', dataset]);
      return [
        ...(refused > 0
          ? [{ tone: 'warning' as const, text: `${countText(refused)} records for ${dataset} were refused since the start`, href }]
          : []),
        ...expectations.flatMap(({ expectation, holds }) =>
          holds ? [] : [{ tone: 'warning' as const, text: `${dataset} does not keep its expectation ${expectation}`, href }],
        ),
      ];
    }),
  ];
}

function slowness({ timings }: Status): readonly Trouble[] {
  const p99 = timings.find(({ name }) => name === 'freshness')?.p99_ms ?? 0;
  return p99 > FRESHNESS_P99_MS ? [{ tone: 'warning', text: 'Answers are several seconds behind what came in' }] : [];
}

function lastErrors({ recent_events }: Status): readonly Trouble[] {
  const errors = recent_events.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  return first === undefined ? [] : [{ tone: 'error', text: `${first.subject}: ${first.message}` }];
}
