// The Kinesis source against a stub in front of a server, which says what Amazon says: throttled, expired, trimmed.
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { FIRST, HOUR_MS, useKinesisSource } from './kinesis-fixture.js';

describe('the kinesis source, and what the service may say', function () {
  this.timeout(120_000);
  const { world, value, put, status, notices, start, restart, stop, counts, stands, passes } = useKinesisSource();

  it('renews an iterator that has expired, each record once', async () => {
    let expired = 0;
    world.stub.instead = ({ operation }) =>
      operation === 'GetRecords' && expired++ % 2 === 0 ? { error: 'ExpiredIteratorException' } : undefined;
    await put(0, 1, 2);
    const sources = await start();
    await counts(sources, 3);
    await put(3, 4);
    await counts(sources, 5);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1, 2, 3, 4]);
    expect(expired).to.be.at.least(4);
  });

  it('waits for a shard that is throttled, tells of it, and keeps no other waiting', async () => {
    await world.stream.remove();
    await world.stream.create(2);
    let isThrottled = true;
    world.stub.instead = ({ operation, body }) => {
      const [, shard] = Buffer.from(String(body['ShardIterator'] ?? ''), 'base64')
        .toString()
        .split(':');
      return operation === 'GetRecords' && isThrottled && shard === FIRST ? { error: 'ProvisionedThroughputExceededException' } : undefined;
    };
    const rows = [0, 1, 2, 3].map((n) => ({ key: `k${n}`, data: value(n), hashKey: n % 2 === 0 ? 0n : 2n ** 128n - 2n }));
    await world.stream.put(rows);
    const sources = await start();
    await counts(sources, 2);
    expect(await world.fixture.numbers('A')).to.deep.equal([1, 3]);
    await eventually(() => notices().some((notice) => notice.startsWith(`${FIRST} of`) && notice.includes('throttled')), 'it is told');
    isThrottled = false;
    await counts(sources, 4);
  });

  it('asks a shard no more than five times a second, and less often at its end', async () => {
    await put(...Array.from({ length: 50 }, (_, n) => n));
    const sources = await start();
    await counts(sources, 50);
    const before = world.stub.count('GetRecords');
    await passes(2_000);
    expect(world.stub.count('GetRecords') - before).to.be.within(1, 6);
  });

  it('follows a shard through answers that are empty, as the service gives them in the middle', async () => {
    let empty = 0;
    world.stub.changed = ({ operation, body: asked }, body) =>
      operation === 'GetRecords' && empty++ < 3
        ? { ...body, Records: [], MillisBehindLatest: 5_000, NextShardIterator: asked['ShardIterator'] }
        : body;
    await put(0, 1);
    const sources = await start();
    await eventually(() => status(sources)?.lag.seconds === 5, 'it is behind');
    await counts(sources, 2);
    expect(status(sources)?.lag.seconds).to.equal(0);
  });

  it('stops where its place has left the retention while it was away, and says what to do', async () => {
    await put(0, 1);
    let sources = await start();
    await counts(sources, 2);
    await stop();
    world.aheadMs = 25 * HOUR_MS;
    // What the service does with a place that is trimmed: the next record that is there, or none for hours.
    world.stub.changed = ({ operation }, body) =>
      operation === 'GetRecords'
        ? { ...body, Records: (body['Records'] as { SequenceNumber: string }[]).filter(({ SequenceNumber }) => SequenceNumber !== '2') }
        : body;
    await put(2);
    sources = await restart();
    const cause = await stands(sources);
    expect(cause).to.contain(FIRST).and.to.contain('retention').and.to.contain('raise the version of the dataset');
    await stop();
    world.stub.changed = (_, body) => body;
    world.stub.instead = ({ operation, body }) =>
      operation === 'GetShardIterator' && body['ShardIteratorType'] === 'AT_SEQUENCE_NUMBER'
        ? { error: 'InvalidArgumentException' }
        : undefined;
    sources = await restart();
    expect(await stands(sources)).to.contain('retention');
    await stop();
    world.stub.instead = () => undefined; // the record is still there after all
    sources = await restart();
    await counts(sources, 3);
  });

  it('has each answer begin with the last record of the one before, where what is read next is about to leave the retention', async () => {
    world.aheadMs = 23.5 * HOUR_MS;
    world.stub.changed = ({ operation }, body) => (operation === 'GetRecords' ? { ...body, MillisBehindLatest: 5_000 } : body);
    const sources = await start({ initPosition: 'latest' });
    for (let n = 0; n < 4; n++) {
      await put(n);
      await counts(sources, n + 1);
    }
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1, 2, 3]);
    const begun = world.stub.calls.map(({ body }) => body['StartingSequenceNumber']).filter((sequence) => sequence !== undefined);
    expect(begun).to.include.members(['1', '2', '3']);
  });

  it('goes on where only the last record has left the retention, and it was at the end since', async () => {
    await put(0, 1);
    let sources = await start();
    await counts(sources, 2);
    await stop();
    let dropped = 0;
    world.stub.changed = ({ operation, body: asked }, body) => {
      if (operation !== 'GetRecords') return body;
      if (dropped++ > 0) return body;
      return { ...body, Records: [], MillisBehindLatest: 24 * HOUR_MS, NextShardIterator: asked['ShardIterator'] };
    };
    await put(2);
    sources = await restart();
    await counts(sources, 3);
    expect(world.stub.calls.at(-1)?.operation).to.equal('GetRecords');
    expect(world.stub.calls.some(({ body }) => body['ShardIteratorType'] === 'TRIM_HORIZON')).to.equal(true);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1, 2]);
  });

  it('notices that its stream was deleted and made anew', async () => {
    await put(0);
    const sources = await start();
    await counts(sources, 1);
    await world.stream.remove();
    await eventually(() => status(sources)?.phase.kind === 'retrying', 'it waits for the stream');
    const phase = status(sources)?.phase;
    expect(phase?.kind === 'retrying' ? phase.cause : '').to.contain('create it, or correct streamArn');
    await world.stream.create(1);
    await stop();
    const again = await restart();
    expect(await stands(again))
      .to.contain('made anew')
      .and.to.contain('raise the version of the dataset');
  });

  it('starts children that only the end of their shard has told of, and looks for those that are not listed yet', async () => {
    await put(0);
    const child = { ShardId: 'shardId-000000000001', ParentShards: [FIRST], HashKeyRange: { StartingHashKey: '0', EndingHashKey: '5' } };
    world.stub.instead = ({ operation, body }) => {
      const iterator = String(body['ShardIterator'] ?? '');
      if (operation === 'GetShardIterator' && body['ShardId'] === child.ShardId) return { body: { ShardIterator: 'child' } };
      if (operation !== 'GetRecords' || iterator !== 'child') return undefined;
      const record = { Data: Buffer.from(value(1)).toString('base64'), PartitionKey: 'k', SequenceNumber: '7' };
      return { body: { Records: [record], NextShardIterator: 'child', MillisBehindLatest: 0 } };
    };
    world.stub.changed = ({ operation }, { NextShardIterator: next, ...body }) =>
      operation === 'GetRecords'
        ? { ...body, ChildShards: [child] }
        : { ...body, ...(next === undefined ? {} : { NextShardIterator: next }) };
    const sources = await start();
    await counts(sources, 2);
    expect(await world.fixture.numbers('A')).to.deep.equal([0, 1]);
    expect(status(sources)?.position).to.contain(`${FIRST}: read to its end`);
  });
});
