import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { StepWatchdog } from '../../services/aggregator/step-watch.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PIPELINE = { name: 'Stats.build', version: 2, topic: 'test.Order.v1' };
const line = (more: object): string => JSON.stringify({ ...PIPELINE, partition: 1, offset: 7, at: '2026-01-01T00:00:00Z', ...more });

describe('steps that hung before (S23)', () => {
  const watchdogOver = (text?: string): { watchdog: StepWatchdog; file: string } => {
    const file = join(temporaryFolder(), 'hung-steps.ndjson');
    if (text !== undefined) writeFileSync(file, text);
    return { file, watchdog: new StepWatchdog({ file, timeoutMs: 30_000 }) };
  };

  it('are none where nothing is written down', () => {
    expect(watchdogOver().watchdog.isCondemned(PIPELINE, { partition: 1, offset: 7 })).to.equal(false);
  });

  it('condemn one record of one version of one pipeline', () => {
    const { watchdog } = watchdogOver(`${line({})}\n${line({ partition: 0, offset: 3 })}\n`);
    expect(watchdog.isCondemned({ ...PIPELINE }, { partition: 1, offset: 7 })).to.equal(true);
    expect(watchdog.isCondemned(PIPELINE, { partition: 0, offset: 3 })).to.equal(true);
    expect(watchdog.isCondemned(PIPELINE, { partition: 1, offset: 8 })).to.equal(false);
    expect(watchdog.isCondemned(PIPELINE, { partition: 0, offset: 7 })).to.equal(false);
    expect(watchdog.isCondemned({ ...PIPELINE, version: 3 }, { partition: 1, offset: 7 }), 'another version may do better').to.equal(false);
    expect(watchdog.isCondemned({ ...PIPELINE, name: 'Other.build' }, { partition: 1, offset: 7 })).to.equal(false);
  });

  it('a torn last line condemns nothing and spoils no later one', () => {
    const { watchdog, file } = watchdogOver(`${line({})}\n${line({ offset: 70 }).slice(0, 30)}`);
    expect(watchdog.isCondemned(PIPELINE, { partition: 1, offset: 7 })).to.equal(true);
    expect(watchdog.isCondemned(PIPELINE, { partition: 1, offset: 70 })).to.equal(false);
    expect(readFileSync(file, 'utf8').endsWith('\n')).to.equal(true);
  });
});
