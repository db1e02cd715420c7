// `thyme sources reset` of a stream, on moto: a time, its end, its oldest record; no record twice in one version of a dataset.
import { expect } from 'chai';
import { numberDataset } from '../integration/sources-fixture.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { FIRST, HOUR_MS, useKinesisSource } from './kinesis-fixture.js';

/** `latest` begins a second before the service's clock, which tells whole seconds. */
const SLACK_MS = 2_100;

describe('a kinesis source that is reset', function () {
  this.timeout(120_000);
  const { world, put, status, sourceOf, start, restart, stop, counts, passes } = useKinesisSource();

  const reset = (sources: Sources, to: string): Promise<string> => sources.reset('A', to, new AbortController().signal);
  const refusal = (sources: Sources, to: string): Promise<string> =>
    reset(sources, to).then(
      (position) => `it went to ${position}`,
      (error: unknown) => (error as Error).message,
    );
  const pause = async (sources: Sources): Promise<void> => {
    await sources.setPaused('A', true);
    await eventually(() => status(sources)?.phase.kind === 'paused', 'it is paused');
  };

  it('to now leaves out what is there, also after a restart', async () => {
    await put(0, 1);
    const sources = await start();
    await counts(sources, 2);
    await pause(sources);
    await put(2, 3);
    await passes(SLACK_MS);
    expect(await reset(sources, 'now')).to.match(new RegExp(`${FIRST}: from 20`));
    await stop();
    const again = await restart();
    await again.setPaused('A', false);
    await put(4);
    await counts(again, 3);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1, 4]);
  });

  it('publishes none again of the second that it was reset in', async () => {
    await put(0, 1);
    const sources = await start();
    await counts(sources, 2);
    await reset(sources, 'now');
    await put(2);
    await counts(sources, 3);
    await reset(sources, 'latest');
    await put(3);
    await counts(sources, 4);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1, 2, 3]);
  });

  it('goes on with what came from a time on, also through a split, and is refused one that lies before', async () => {
    await put(0);
    const sources = await start();
    await counts(sources, 1);
    await pause(sources);
    const behind = new Date(Date.now() - HOUR_MS).toISOString();
    await passes(1_100);
    await put(1, 2);
    const [shard] = await world.stream.shards();
    if (shard === undefined) throw new Error('a stream has a shard');
    await world.stream.split(shard);
    await put(3, 4);
    await passes(1_100);
    const ahead = new Date(Date.now()).toISOString();
    await passes(1_100);
    await put(5, 6);
    expect(await refusal(sources, behind))
      .to.match(/lies before 20/)
      .and.to.contain("upgrade: 'empty'");
    expect(await refusal(sources, 'trim_horizon')).to.match(/^trim_horizon lies before 20/);
    expect(await refusal(sources, 'soon')).to.match(/^'soon' is no place in a stream: write trim_horizon, latest, or a time/);
    expect(await refusal(sources, new Date(Date.now() + HOUR_MS).toISOString())).to.contain('lies in the future');
    await reset(sources, ahead);
    await sources.setPaused('A', false);
    await counts(sources, 3);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 5, 6]);
  });

  it('may begin a new version anywhere while nothing of it is published', async () => {
    await put(0, 1);
    const sources = await start();
    await counts(sources, 2);
    await passes(SLACK_MS);
    await pause(sources);
    await world.fixture.commit([numberDataset('A', { version: 2 })], [sourceOf()]);
    await eventually(() => status(sources)?.version === 2, 'the new version is known');
    await reset(sources, 'now');
    expect(await reset(sources, 'trim_horizon')).to.contain(`${FIRST}: from its beginning`);
    await reset(sources, 'latest');
    await put(2);
    await sources.setPaused('A', false);
    await counts(sources, 1);
    expect(await world.fixture.numbers('A', 2)).to.deep.equal([2]);
  });
});
