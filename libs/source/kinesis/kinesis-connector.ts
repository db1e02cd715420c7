// A stream of Amazon Kinesis as a stream of rows.
//
//   kinesis-settings.ts  - parameters; kinesis-client.ts: the SDK's client; ../aws: keys and roles
//   stream-api.ts        - what is asked of the service; kinesis-errors.ts
//   stream-reader.ts     - shards by sequence number; shard-pump.ts asks them, each at its own pace
//   shard-tree.ts        - which shard is read when
//   stream-position.ts   - how far each was read; stream-seek.ts: where it is begun, and put ahead
//   record-rows.ts       - records as rows, as messages of Kafka are; kpl-aggregate.ts opens aggregates
//
// Invariants:
//   J1. A shard is begun when each parent that is still there was read to its end: the records of a key stay in order.
//   J2. A shard is gone on with at the record that was taken last, which the service gives once more: where it does not, records
//       may have left the stream unread, and the source stops unless it is known to have been at the end since.
//   J3. Where a stream is begun is part of the position before anything is read of it.
import type { Clock } from '../../time/clock.js';
import { type Connector, type SourceTest, UnreadableRow } from '../connector.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { openKinesis } from './kinesis-client.js';
import { kinesisError } from './kinesis-errors.js';
import { streamSettings } from './kinesis-settings.js';
import { RecordRows } from './record-rows.js';
import { StreamApi, type StreamRecord } from './stream-api.js';
import { StreamPosition } from './stream-position.js';
import { StreamReader } from './stream-reader.js';

/** All shards of a stream: `kinesis({ streamArn: 'arn:aws:kinesis:eu-central-1:123456789012:stream/orders' })`. */
export function kinesisConnector(clock: Clock): Connector {
  return {
    name: 'kinesis',
    // Not its endpoint, nor where it was begun: which stream it is, the service tells by its creation (StreamPosition).
    fingerprint: (settings) => JSON.stringify(['kinesis', textParameter(settings, 'streamArn')]),
    async open(settings, signal) {
      const api = await openStream(settings, clock);
      try {
        await api.describe(signal);
        return new StreamReader({ api, clock, rows: rowsOf(settings, api) });
      } catch (error) {
        api.close();
        throw error;
      }
    },
    async test(settings, signal) {
      const steps: SourceTest['steps'][number][] = [];
      const api = await openStream(settings, clock);
      try {
        return await testStream({ settings, api, steps, signal });
      } catch (error) {
        const what = ['reached', 'shards', 'may read'][steps.length] ?? 'may read';
        const { message } = kinesisError(`reading ${api.stream.arn} failed`, error);
        return { steps: [...steps, { what, ok: false, detail: settings.redact(message) }] };
      } finally {
        api.close();
      }
    },
  };
}

async function openStream(settings: SourceSettings, clock: Clock): Promise<StreamApi> {
  const stream = streamSettings(settings);
  return new StreamApi(stream, await openKinesis(settings, stream), clock);
}

function rowsOf({ dataset, source }: SourceSettings, { stream }: StreamApi): RecordRows {
  return new RecordRows({ stream: stream.name, dataset, cdc: source.cdc });
}

interface StreamTest {
  readonly settings: SourceSettings;
  readonly api: StreamApi;
  readonly steps: SourceTest['steps'][number][];
  readonly signal: AbortSignal;
}

/** Answers that are looked at for a first record: a shard gives empty ones where it has had none for hours. */
const SAMPLE_ANSWERS_MAX = 20;
const SAMPLE_RECORDS = 10;

async function testStream({ settings, api, steps, signal }: StreamTest): Promise<SourceTest> {
  const { identity, retentionMs, serverMs } = await api.describe(signal);
  const { arn } = api.stream;
  steps.push({ what: 'reached', ok: true, detail: `${arn}, created ${identity}, keeps records for ${retentionMs / 3_600_000} hours` });
  const shards = await api.shards(signal);
  steps.push({ what: 'shards', ok: true, detail: `${shards.size} in its retention` });
  const found = await firstRecord(api, [...shards.keys()], signal);
  if (found === undefined) return { steps: [...steps, { what: 'may read', ok: true, detail: 'there are no records yet' }] };
  const rows = rowsOf(settings, api);
  const { parts } = rows.open([found.record], undefined, {});
  const at = StreamPosition.begin({ identity, startMs: serverMs, fromMs: undefined, shards: [found.shard] });
  const [row] = await rows.rowsOf(found.shard, parts.slice(0, 1), at, serverMs);
  if (row === undefined) return { steps: [...steps, { what: 'may read', ok: true, detail: 'the first record is an empty aggregate' }] };
  if (row.input instanceof UnreadableRow)
    return { steps: [...steps, { what: 'may read', ok: false, detail: `${row.place} ${row.input.reason}` }] };
  return { steps: [...steps, { what: 'may read', ok: true, detail: row.place }], sample: row.input };
}

/** Each shard is asked at least once, so that a right that is missing shows. */
async function firstRecord(
  api: StreamApi,
  shards: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly shard: string; readonly record: StreamRecord } | undefined> {
  for (const shard of shards.slice(0, SAMPLE_ANSWERS_MAX)) {
    let iterator: string | undefined = await api.iterator(shard, { kind: 'beginning' }, signal);
    const answersMax = Math.max(1, Math.floor(SAMPLE_ANSWERS_MAX / shards.length));
    for (let answers = 0; answers < answersMax && iterator !== undefined; answers++) {
      const { records, next, behindMs } = await api.records(iterator, signal, SAMPLE_RECORDS);
      const [record] = records;
      if (record !== undefined) return { shard, record };
      if (behindMs === 0) break;
      iterator = next;
    }
  }
  return undefined;
}
