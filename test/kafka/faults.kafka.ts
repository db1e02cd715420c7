import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import type { LostPart } from '../../infra/kafka/kafka-proxy.js';
import { API_KEYS } from '../../libs/log/kafka/driver.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { eventually, uniqueName, useKafka, valuesOf } from './kafka-fixture.js';

describe('the log on a Kafka that fails', function () {
  this.timeout(120_000);
  const kafka = useKafka({ own: true, proxied: true });
  let log: Log;
  let target: TopicPartition;

  beforeEach(async () => {
    log = await openKafkaLog({ brokers: [proxied().address], clientId: 'thyme-test' });
    target = { topic: uniqueName(), partition: 0 };
    await log.createTopic(target.topic, 1);
    await log.append(target, [text('first')]); // connections are made, a producer has its id
  });
  afterEach(() => log.close());

  const proxied = () => {
    const found = kafka().proxied;
    if (found === undefined) throw new Error('this broker has no proxy');
    return found;
  };
  const lose = (api: keyof typeof API_KEYS, part: LostPart): Promise<void> => proxied().proxy.lose(API_KEYS[api], part);
  const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'it succeeded',
      (error: unknown) => (error as { readonly code?: unknown }).code,
    ); // A test compares it.

  for (const part of ['request', 'answer'] as const) {
    it(`does not know how a commit ended whose ${part} is lost, and the next writer does (L2, L4)`, async () => {
      const writer = await log.writer(target.topic);
      const lost = lose('EndTxn', part);
      expect(await codeOf(writer.commit([{ target, records: [text('unknown')] }]))).to.equal('THYME_COMMIT_UNKNOWN');
      await lost;
      expect(await codeOf(writer.commit([]))).to.equal('THYME_WRITER_DEAD');
      const next = await log.writer(target.topic);
      const decided = part === 'request' ? ['first'] : ['first', 'unknown'];
      expect(await valuesOf(log, target)).to.deep.equal(decided);
      await next.commit([{ target, records: [text('later')] }]);
      expect(await valuesOf(log, target)).to.deep.equal([...decided, 'later']);
    });

    it(`stores an append once whose ${part} is lost (L2)`, async () => {
      const lost = lose('Produce', part);
      await log.append(target, [text('second')]);
      await lost;
      await log.append(target, [text('third')]);
      expect(await valuesOf(log, target)).to.deep.equal(['first', 'second', 'third']);
    });

    for (const api of ['AddPartitionsToTxn', 'Produce'] as const) {
      it(`leaves nothing of a transaction whose ${part} of ${api} is lost, and a dead writer (L3)`, async () => {
        const writer = await log.writer(target.topic);
        const lost = lose(api, part);
        expect(await codeOf(writer.commit([{ target, records: [text('never')] }]))).to.equal('THYME_KAFKA_ABSENT');
        await lost;
        expect(await codeOf(writer.commit([]))).to.equal('THYME_WRITER_DEAD');
        await (await log.writer(target.topic)).commit([{ target, records: [text('second')] }]);
        expect(await valuesOf(log, target)).to.deep.equal(['first', 'second']);
      });
    }

    it(`takes an epoch again whose ${part} is lost, and reads again`, async () => {
      const older = await log.writer(target.topic);
      const lost = Promise.all([lose('InitProducerId', part), lose('Fetch', part), lose('ListOffsets', part)]);
      const newer = await log.writer(target.topic);
      expect(newer.epoch).to.be.greaterThan(older.epoch);
      expect(await valuesOf(log, target)).to.deep.equal(['first']);
      await lost;
      expect(await codeOf(older.commit([{ target, records: [text('never')] }]))).to.equal('THYME_FENCED');
    });
  }

  it('wakes who waits for a record after the connection was lost', async () => {
    const waiting = log.waitFor(target, 1, new AbortController().signal);
    await lose('Fetch', 'answer');
    await log.append(target, [text('second')]);
    await waiting;
  });

  it('keeps each acknowledged append once, in order, while the broker is killed and started again (L2)', async () => {
    const acknowledged: string[] = [];
    let running = true;
    const appending = (async () => {
      for (let n = 0; running; n++) {
        await log.append(target, [text(`${n}`)]);
        acknowledged.push(`${n}`);
      }
    })();
    await eventually(() => acknowledged.length > 20, 'appends go on');
    await kafka().kill(0);
    await kafka().restart(0);
    const before = acknowledged.length;
    await eventually(() => acknowledged.length > before + 20, 'appends go on after the restart');
    running = false;
    await appending;
    expect(await valuesOf(log, target)).to.deep.equal(['first', ...acknowledged]);
  });

  it('fences a writer that was held still while another took over (L4)', async () => {
    const zombie = fork(new URL('writer-process.ts', import.meta.url), [proxied().address, target.topic], {
      execArgv: ['--import=tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const said: unknown[] = [];
    zombie.on('message', (message) => said.push(message));
    await eventually(() => said.length > 10, 'it commits');
    zombie.kill('SIGSTOP');
    const newer = await log.writer(target.topic);
    const before = await valuesOf(log, target);
    await newer.commit([{ target, records: [text('taken over')] }]);
    zombie.kill('SIGCONT');
    await once(zombie, 'exit');
    expect(said.at(-1)).to.equal('THYME_FENCED');
    expect(await valuesOf(log, target)).to.deep.equal([...before, 'taken over']);
    const acknowledged = said.slice(0, -1).map(String);
    // The commit in flight when it was stopped may have been decided, for it or against it.
    expect(before.slice(1, acknowledged.length + 1)).to.deep.equal(acknowledged);
    expect(before.length).to.be.at.most(acknowledged.length + 2);
  });
});

function text(value: string): NewRecord {
  return { key: Buffer.from('k'), value: Buffer.from(value) };
}
