// What a topic's messages become, without a broker: on a real one it is test/kafka/source.kafka.ts.
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { UnreadableRow } from '../../libs/source/connector.js';
import type { KafkaMessage } from '../../libs/source/kafka/message-batch.js';
import { MessageRows } from '../../libs/source/kafka/message-rows.js';
import { jsonDecoder } from '../../libs/source/kafka/payload.js';
import { TopicPosition } from '../../libs/source/kafka/topic-position.js';
import { numberDataset } from '../integration/sources-fixture.js';

const AT = '2026-01-31T11:00:00Z';
const NOW_MS = 1_769_860_800_000;

function message(offset: number, key: string | null, value: string | null, more: Partial<KafkaMessage> = {}): KafkaMessage {
  const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text));
  return { offset, timestampMs: NOW_MS - 1_000, key: bytes(key), value: bytes(value), headers: [], ...more };
}

async function inputs(cdc: SourceDefinition['cdc'], messages: readonly KafkaMessage[], rowKey = ['n']): Promise<readonly unknown[]> {
  const dataset = numberDataset('A', cdc === 'append' ? {} : { cdc: { mode: cdc, rowKey } });
  const rows = new MessageRows({ topic: 't', dataset, cdc, values: jsonDecoder, keys: jsonDecoder });
  const at = TopicPosition.begin('topic:1', [{ start: 0, end: 0 }]);
  return (await rows.rowsOf(0, messages, at, NOW_MS)).map(({ input }) => (input instanceof UnreadableRow ? input.reason : input));
}

describe('messages of a topic', () => {
  it('are their values, completed by key and headers, the value first', async () => {
    expect(
      await inputs('append', [
        message(0, 'plain', `{"n":1,"at":"${AT}"}`),
        message(1, '"quoted"', `{"n":1,"at":"${AT}"}`),
        message(2, '{"k":"of the key","n":7}', `{"k":"own","at":"${AT}"}`),
        message(3, null, `{"k":"k","at":"${AT}"}`, { headers: [['n', Buffer.from('8')]] }),
        message(4, null, `{"k":"k","n":123456789012345678901,"at":"${AT}"}`),
      ]),
    ).to.deep.equal([
      { k: 'plain', n: 1, at: AT },
      { k: 'quoted', n: 1, at: AT },
      { k: 'own', n: 7, at: AT },
      { k: 'k', n: 8, at: AT },
      { k: 'k', n: 123_456_789_012_345_678_901n, at: AT },
    ]);
  });

  it('replace and delete rows by key, and what a value calls op is no operation', async () => {
    const time = new Date(NOW_MS - 1_000).toISOString();
    expect(
      await inputs('upsert', [
        message(0, '7', `{"k":"k","at":"${AT}","op":"delete","op_time":"never"}`),
        message(1, '7', null),
        message(2, '{"n":7}', null),
        message(3, '{"k":"k"}', null),
        message(4, null, null),
      ]),
    ).to.deep.equal([
      { k: 'k', n: 7, at: AT, op_time: time },
      { n: 7, op: 'delete', op_time: time },
      { n: 7, op: 'delete', op_time: time },
      'deletes a row, and its key does not say which: n is missing in it',
      'deletes a row, and its key does not say which: n is missing in it',
    ]);
  });

  it("are Debezium's deletes also where the table does not tell the row", async () => {
    const envelope = { op: 'd', before: null, after: null, source: { ts_ms: 1 } };
    const schema = {
      type: 'struct',
      fields: [{ field: 'before', type: 'struct', fields: [{ field: 'at', type: 'int32', name: 'io.debezium.time.Date' }] }],
    };
    expect(
      await inputs('debezium', [
        message(0, '{"n":7}', JSON.stringify(envelope)),
        message(1, '{"n":7}', null),
        message(2, '{"n":7}', JSON.stringify({ schema, payload: { ...envelope, before: { n: 7, at: 20_484 } } })),
      ]),
    ).to.deep.equal([
      { ...envelope, before: { n: 7 } },
      { key: { n: 7 }, value: null },
      { ...envelope, before: { n: 7, at: '2026-01-31' } },
    ]);
  });
});

describe('the position in a topic', () => {
  it('is the same through JSON, and forgets the end of the first load when it is behind it', () => {
    const at = TopicPosition.begin('topic:1', [
      { start: 5, end: 7 },
      { start: 0, end: 0 },
    ]);
    expect([at.isInitial(0, 6), at.isInitial(0, 7), at.isInitial(1, 0)]).to.deep.equal([true, false, false]);
    at.advance(0, 6);
    const again = TopicPosition.decode(at.encode());
    expect(again.encode()).to.deep.equal({ topic: 'topic:1', partitions: { 0: { next: 6, end: 7 }, 1: { next: 0 } } });
    again.advance(0, 7);
    expect(again.encode()).to.deep.equal({ topic: 'topic:1', partitions: { 0: { next: 7 }, 1: { next: 0 } } });
  });

  it('keeps the time of changes from going back in a partition, and below the present (S17)', () => {
    const at = TopicPosition.begin('topic:1', [{ start: 0, end: 0 }]);
    const times = [10, 5, 100, 20].map((ms) => at.changeTimeMs(0, ms, 50));
    expect(times).to.deep.equal([10, 10, 50, 50]);
    at.advance(0, 4);
    expect(TopicPosition.decode(at.encode()).changeTimeMs(0, 1, 60)).to.equal(50);
  });
});
