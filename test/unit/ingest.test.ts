import { noSources } from '../support/no-sources.js';
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { LogStreamRequestSchema } from '../../gen/thyme/v1/ingest_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { decodeToken } from '../../libs/feature/token.js';
import { decodeKey } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { ManualClock } from '../../libs/time/clock.js';
import { ingestHandlers } from '../../services/ingest/handlers.js';
import { Ingest } from '../../services/ingest/ingest.js';
import { ingestFixture, NOW_US, order, orderOf, PARTITIONS, requestOf, revision, type Fixture } from './ingest-fixture.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

describe('ingest', () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await ingestFixture();
  });

  it('takes a JSON array, and stamps append time and lane (S10)', async () => {
    const response = await fixture.pushJson([orderOf(), orderOf({ quantity: null, extra: 1 })]);
    expect(response.eventsSent).to.equal(2n);
    const stored = await fixture.stored();
    expect(stored.map((record) => [record.appendTimeUs, record.lane, record.historical])).to.deep.equal(
      Array(2).fill([NOW_US, 'push', false]),
    );
    expect(stored[0]?.row).to.deep.equal(['u1', null, 1.5, null, null, NOW_US - 60e6]);
    expect(fixture.ingest.counts()).to.deep.equal([{ dataset: 'Order', accepted: 2, refused: 0, ignoredFields: 1 }]);
  });

  it('answers when the records are durable, and not before (I1, S13)', async () => {
    const { log } = fixture;
    const append = log.append.bind(log);
    let isDurable = false;
    log.append = async (target, records) => {
      const offset = await append(target, records);
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      isDurable = true;
      return offset;
    };
    await fixture.pushJson([orderOf()]);
    expect(isDurable).to.equal(true);
  });

  it('takes JSON lines, with blank ones and Windows line ends', async () => {
    const lines = `\uFEFF\n${JSON.stringify(orderOf())}\r\n\r\n${JSON.stringify(orderOf({ amount: 2 }))}\n`;
    expect((await fixture.pushJson(lines)).eventsSent).to.equal(2n);
  });

  it('takes typed messages, with every microsecond of their times (S1)', async () => {
    const eventTimeUs = NOW_US - 1e6 + 7;
    const fields = {
      user_id: { kind: { case: 'stringValue' as const, value: 'u1' } },
      amount: { kind: { case: 'intValue' as const, value: 3n } },
      ordered_at: { kind: { case: 'timestampUs' as const, value: BigInt(eventTimeUs) } },
    };
    const response = await fixture.push({
      dataset: 'Order',
      events: [{ fields }, { fields: { ...fields, quantity: { kind: { case: 'intValue', value: 2n ** 53n } } } }],
    });
    expect(response.eventsSent).to.equal(1n);
    expect(response.errors[0]?.error).to.match(/Order\.quantity: expected an int, got number 9007199254740992/);
    expect((await fixture.stored())[0]?.eventTimeUs).to.equal(eventTimeUs);
  });

  it('puts a key into the partition of its slot, and the token names where each stands (S21)', async () => {
    const users = Array.from({ length: 50 }, (_, i) => `user-${i}`);
    const { token } = await fixture.pushJson(users.map((user_id) => orderOf({ user_id })));
    let found = 0;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { records } = await fixture.log.read({ topic: 'd.Order.v1', partition }, 0, { recordsMax: 100, bytesMax: 1e6 });
      for (const { key } of records) expect(partitionOf(slotOf(key), PARTITIONS)).to.equal(partition);
      found += records.filter(({ key }) => users.includes(String(decodeKey(key)[0]))).length;
      expect(decodeToken(token, TEST_TOKEN_KEY).marks.find((mark) => mark.partition === partition)?.nextOffset).to.equal(records.length);
    }
    expect(found).to.equal(50);
    expect(decodeToken(token, TEST_TOKEN_KEY).eventTimeUs).to.equal(NOW_US - 60e6);
  });

  it('keeps the good records of a batch and names each that it refused (S12)', async () => {
    const response = await fixture.pushJson([
      orderOf(),
      orderOf({ amount: 'dear' }),
      7,
      null,
      [],
      orderOf({ user_id: '' }),
      orderOf({ user_id: 5 }),
      orderOf(),
    ]);
    expect(response.eventsSent).to.equal(2n);
    expect(response.errors.map((error) => error.index)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(response.errors[0]?.error).to.equal('Order.amount: expected a float, got text "dear": send a number');
    expect(response.errors[4]?.error).to.match(/^Order\.user_id: empty/);
    expect(await fixture.stored()).to.have.length(2);
  });

  it('writes what it refused to the dead letters, with the reason and the record (S12)', async () => {
    const bad = orderOf({ amount: 'x'.repeat(20_000) });
    await fixture.pushJson([orderOf(), bad], { producerId: 'p', sequence: 10n });
    const [letter, ...others] = await fixture.dead();
    expect(others).to.deep.equal([]);
    expect(letter).to.include({
      dataset: 'Order',
      version: 1,
      at: '2026-01-31T12:00:00Z',
      producer_id: 'p',
      sequence: 11,
      truncated: true,
    });
    expect(letter?.['reason']).to.match(/^Order\.amount: expected a float/);
    expect(letter?.['record']).to.equal(JSON.stringify(bad).slice(0, 16_384));
  });

  it('refuses event times beyond maxFuture, and takes those on its edge (S12)', async () => {
    const { eventsSent, errors } = await fixture.pushJson([
      orderOf({ ordered_at: '2026-01-31T12:10:00Z' }),
      orderOf({ ordered_at: '2026-01-31T12:10:00.000001Z' }),
    ]);
    expect(eventsSent).to.equal(1n);
    expect(errors[0]?.error).to.match(/more than 600 s ahead of the clock/);
    expect((await fixture.dead())[0]?.['record']).to.contain('12:10:00.000001Z');
  });

  it('refuses times that are none, naming the record (S1)', async () => {
    const { errors, eventsSent } = await fixture.pushJson(
      ['None', '', true, {}, '2026-02-30', 1e30].map((ordered_at) => orderOf({ ordered_at })),
    );
    expect(errors.map((error) => error.index)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(eventsSent).to.equal(0n);
  });

  it('stamps producer and sequence on each record; refused ones use theirs up (S13)', async () => {
    const batch = [orderOf({ amount: 0 }), orderOf({ amount: null }), orderOf({ amount: 2 })];
    for (let attempt = 0; attempt < 2; attempt++) await fixture.pushJson(batch, { producerId: 'p', sequence: 100n });
    const stored = await fixture.stored();
    expect(stored.map((record) => [record.producerId, record.sequence, record.row[2]])).to.deep.equal([
      ['p', 100, 0],
      ['p', 102, 2],
      ['p', 100, 0],
      ['p', 102, 2],
    ]);
  });

  it('marks a historical batch (S10, S22)', async () => {
    await fixture.pushJson([orderOf()], { historical: true });
    expect((await fixture.stored())[0]?.historical).to.equal(true);
  });

  it('answers an empty push with 0 and a token that waits for nothing (S21)', async () => {
    for (const json of ['', '[]', ' \n ']) {
      const response = await fixture.pushJson(json);
      expect([response.eventsSent, response.errors, decodeToken(response.token, TEST_TOKEN_KEY).marks]).to.deep.equal([0n, [], []]);
    }
  });

  it('takes fields called __proto__ and constructor for what they are', async () => {
    const { eventsSent, errors } = await fixture.pushJson(
      '[{"user_id":"u","amount":1,"ordered_at":1,"__proto__":{"quantity":9},"constructor":1},{"__proto__":{"user_id":"u","amount":1,"ordered_at":1}}]',
    );
    expect(eventsSent).to.equal(1n);
    expect(errors[0]?.error).to.match(/Order\.user_id: required, but missing/);
    expect((await fixture.stored())[0]?.row[1]).to.equal(null);
    await rejects(fixture.pushJson([], { dataset: '__proto__' }), 'NOT_FOUND');
    expect(({} as Record<string, unknown>)['quantity']).to.equal(undefined);
  });

  it('refuses integers beyond 2^53 in JSON instead of rounding them (S8)', async () => {
    const { errors, eventsSent } =
      await fixture.pushJson(`[{"user_id":"9007199254740993","quantity":9007199254740993,"amount":1,"ordered_at":1},
      {"user_id":"u","quantity":9007199254740991,"amount":9007199254740993,"ordered_at":1}]`);
    expect(errors.map((error) => error.index)).to.deep.equal([0]);
    expect(errors[0]?.error).to.match(/Order\.quantity: expected an int, got number 900719925474099\d/);
    expect(eventsSent).to.equal(1n);
  });

  it('takes decimals from the text itself, however long, beside texts and floats that look alike', async () => {
    const record =
      '{"user_id":"1234567890123456789.5\\"","amount":0.30000000000000004,"fee":1234567890123456789.50,"fees":[0.10000000000000000001,2],"ordered_at":1769860000.123456}';
    for (const json of [`[${record}]`, `${record}\n{"user_id":\n`]) await fixture.pushJson(json);
    const eventTimeUs = 1_769_860_000_123_456;
    const expected = [
      '1234567890123456789.5"',
      null,
      0.30000000000000004,
      '1234567890123456789.5',
      ['0.10000000000000000001', '2'],
      eventTimeUs,
    ];
    expect((await fixture.stored()).map((stored) => stored.row)).to.deep.equal([expected, expected]);
  });

  it('refuses a line that is no JSON alone, and an array that is none as a whole', async () => {
    const { errors, eventsSent } = await fixture.pushJson(`{"user_id":\n${JSON.stringify(orderOf())}\n`);
    expect([errors.map((error) => error.index), eventsSent]).to.deep.equal([[0], 1n]);
    expect((await fixture.dead())[0]?.['record']).to.equal('{"user_id":');
    await rejects(fixture.pushJson('[{"user_id":'), 'INVALID_ARGUMENT', /no JSON array/);
    await rejects(fixture.push({ dataset: 'Order', json: Buffer.from([0x5b, 0xff, 0x5d]) }), 'INVALID_ARGUMENT', /UTF-8/);
  });

  it('refuses unknown datasets with the nearest name, and those that a pipeline fills (S12)', async () => {
    await rejects(fixture.pushJson([], { dataset: 'Ordr' }), 'NOT_FOUND', /did you mean 'Order'/);
    await rejects(
      fixture.pushJson([orderOf()], { dataset: 'OrderStats' }),
      'INVALID_ARGUMENT',
      /filled by the pipeline OrderStats\.stats: push into Order instead/,
    );
  });

  it('has named limits for batches and producers', async () => {
    const json = JSON.stringify(Array.from({ length: 4_097 }, () => 0));
    await rejects(fixture.pushJson(json, { producerId: 'p', sequence: 0n }), 'INVALID_ARGUMENT', /4097 records are over the limit of 4096/);
    await rejects(fixture.pushJson([], { producerId: 'é'.repeat(65), sequence: 0n }), 'INVALID_ARGUMENT', /130 bytes: use 1 to 128/);
    await rejects(fixture.pushJson([], { producerId: 'p' }), 'INVALID_ARGUMENT', /sequence: is missing/);
    await rejects(fixture.pushJson([], { sequence: 1n }), 'INVALID_ARGUMENT', /producer_id: is missing/);
    await rejects(fixture.pushJson([], { producerId: 'p', sequence: -1n }), 'INVALID_ARGUMENT', /count from 0/);
    await rejects(
      fixture.push({ dataset: 'Order', json: new Uint8Array(32 * 1_024 * 1_024 + 1) }),
      'INVALID_ARGUMENT',
      /over the limit of 33554432/,
    );
  });

  it('lists some of very many errors and counts the rest', async () => {
    const response = await fixture.pushJson(Array.from({ length: 10_002 }, () => 0));
    expect(response.errors).to.have.length(10_001);
    expect(response.errors.at(-1)).to.deep.include({ index: 10_000, error: 'and 2 more were refused: see the dead letters' });
    expect(await fixture.dead()).to.have.length(10_002);
  });

  it('refuses a record too large for a message alone', async () => {
    const fees = Array.from({ length: 10_000 }, () => `0.${'1'.repeat(99)}`);
    const { eventsSent, errors } = await fixture.pushJson([orderOf({ fees }), orderOf()]);
    expect([eventsSent, errors.map((error) => error.index)]).to.deep.equal([1n, [0]]);
  });

  it('takes nothing while the disk has no room (RESOURCE_EXHAUSTED)', async () => {
    fixture.room = false;
    await rejects(fixture.pushJson([orderOf()]), 'RESOURCE_EXHAUSTED');
    expect(await fixture.stored()).to.deep.equal([]);
  });

  it('counts expectations and drops nothing for them', async () => {
    await fixture.pushJson([orderOf({ amount: 0 }), orderOf({ amount: 100, quantity: 1 }), orderOf({ amount: 'refused' })]);
    expect(
      fixture.ingest.expectations().map(({ dataset, expectation, checked, failed }) => [dataset, expectation.kind, checked, failed]),
    ).to.deep.equal([
      ['Order', 'between', 2, 1],
      ['Order', 'notNull', 2, 1],
    ]);
    expect(await fixture.stored()).to.have.length(2);
  });

  it('answers a stream request by request, in order', async () => {
    async function* requests() {
      for (const amount of [1, 'x', 3])
        yield create(LogStreamRequestSchema, {
          batch: requestOf({ dataset: 'Order', json: Buffer.from(JSON.stringify([orderOf({ amount })])) }),
        });
    }
    const sent: bigint[] = [];
    for await (const { result } of ingestHandlers(fixture.ingest, noSources).logStream(requests(), {
      signal: new AbortController().signal,
    }))
      sent.push(result?.eventsSent ?? -1n);
    expect(sent).to.deep.equal([1n, 0n, 1n]);
  });

  it('says UNAVAILABLE while the topic of a new revision is not there', async () => {
    const ingest = new Ingest({
      deployment: 'd',
      log: new MemoryLog(),
      revisions: { latest: () => revision },
      clock: new ManualClock(NOW_US),
      tokenKey: TEST_TOKEN_KEY,
      keysRequired: false,
      hasRoom: () => true,
    });
    await rejects(ingest.push({ dataset: order.name, body: { kind: 'parsed', records: [] }, historical: false }), 'UNAVAILABLE');
  });
});

async function rejects(work: Promise<unknown>, status: string, message = /./): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).to.be.instanceOf(ThymeError);
  expect(error).to.have.property('status', status);
  expect(error).to.have.property('message').that.matches(message);
}
