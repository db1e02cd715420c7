// Both kinds of platform as the tests ask them: the same requests, the same books, the same topics.
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { AggregatorService, ListJobsRequestSchema, type Task } from '../../gen/thyme/v1/jobs_pb.js';
import { DigestRequestSchema, StateService } from '../../gen/thyme/v1/state_pb.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { RestClient } from '../../libs/client/rest-client.js';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import type { Log, NewRecord } from '../../libs/log/log.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import { createClient, openChannel, type RpcChannel } from '../../libs/rpc/client.js';
import { jsonOf, post } from '../support/http.js';
import { eventually } from './kafka-fixture.js';
import type { ExpectedBook } from './partition-oracle.js';
import { partitionOfText, type LoadedReading, type Push } from './partition-records.js';
import { TEST_INTERNAL_KEY } from '../support/test-keys.js';

/** A process with all roles. */
export interface Place {
  readonly url: string;
  /** `host:port` of gRPC. */
  readonly grpcTarget: string;
  /** A key of scope admin. */
  readonly adminKey: string;
}

/** The books of one reader in one partition, without what depends on the clock. */
export interface Book extends ExpectedBook {
  readonly partition: number;
  readonly name: string;
  readonly filtered: number;
  readonly failed: number;
  readonly lateRight: number;
}

const CALL_MS_MAX = 20_000;

export function commitTo({ url, adminKey }: Place, module: string): Promise<void> {
  const quiet = { out: () => undefined, err: () => undefined, progress: () => undefined };
  return commitFile(module, { terminal: quiet, client: new RestClient({ apiUrl: url, apiKey: adminKey }), webUrl: undefined });
}

/** What it answered, without the server's clock. */
export async function pushTo({ url }: Place, { refused, ...body }: Push): Promise<string> {
  const { token: _, ...answer } = jsonOf(await post(`${url}/api/v1/log`, body), refused === true ? 422 : 200);
  return withoutClock(JSON.stringify(answer));
}

/** Waits until the pipelines' books over all partitions are as expected, nothing lags, and every process shows it; gives the books. */
export async function settled(
  places: readonly Place[],
  partitions: number,
  expected: ReadonlyMap<string, ExpectedBook>,
): Promise<readonly Book[]> {
  let tasks: readonly Task[] = [];
  let quiet = 0;
  const isSettled = async (): Promise<boolean> => {
    tasks = await listTasks(places);
    const sums = sumsOf(tasks);
    const jobs = tasks.flatMap((task) => task.jobs);
    const isDone =
      tasks.length === partitions &&
      jobs.every(({ lag, caughtUp }) => lag === 0n && caughtUp) &&
      [...expected].every(([name, book]) => sums.get(name)?.applied === book.applied);
    quiet = isDone ? quiet + 1 : 0;
    return quiet === 2; // What was asked of one partition before another had published to it is asked again.
  };
  // Where it does not come true, the comparison shows what is amiss.
  await eventually(isSettled, 'the books are as expected').catch(() => undefined);
  const sums = sumsOf(tasks);
  expect(Object.fromEntries([...expected.keys()].map((name) => [name, sums.get(name)]))).to.deep.equal(Object.fromEntries(expected));
  for (const place of places) await shows(place, tasks);
  return tasks.flatMap(booksOf);
}

/** Digests by partition; waits until the process's replicas have what the owners had. */
async function shows({ grpcTarget }: Place, tasks: readonly Task[]): Promise<void> {
  await withChannel(grpcTarget, async (channel) => {
    const state = createClient(StateService, channel);
    for (const { partition, seq } of tasks) {
      await eventually(
        async () => (await state.digest(create(DigestRequestSchema, { partition }), context())).seq >= seq,
        `partition ${partition} is shown as of seq ${seq}`,
      );
    }
  });
}

/** The SHA-256 of all partitions at one seq, once those are the same everywhere, by each process (C2). */
export async function digestsOf(places: readonly Place[], partitions: number): Promise<readonly (readonly string[])[]> {
  const found: string[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    await eventually(async () => {
      const digests = await Promise.all(
        places.map(({ grpcTarget }) =>
          withChannel(grpcTarget, async (channel) =>
            createClient(StateService, channel).digest(create(DigestRequestSchema, { partition }), context()),
          ),
        ),
      );
      if (new Set(digests.map(({ seq }) => seq)).size > 1) return false;
      found.push(digests.map(({ sha256 }) => Buffer.from(sha256).toString('hex')));
      return true;
    }, `partition ${partition} is at one seq everywhere`);
  }
  return found;
}

async function listTasks(places: readonly Place[]): Promise<readonly Task[]> {
  const answers = await Promise.all(
    places.map(({ grpcTarget }) =>
      withChannel(grpcTarget, async (channel) =>
        createClient(AggregatorService, channel).listJobs(create(ListJobsRequestSchema), context()),
      ),
    ),
  );
  return answers.flatMap(({ tasks }) => tasks).toSorted((a, b) => a.partition - b.partition);
}

function booksOf({ partition, jobs }: Task): readonly Book[] {
  return jobs
    .map(({ name, read, applied, filtered, lateDropped, duplicate, dead, failed, lateRight }) => ({
      partition,
      name,
      read: Number(read),
      applied: Number(applied),
      filtered: Number(filtered),
      late: Number(lateDropped),
      duplicate: Number(duplicate),
      dead: Number(dead),
      failed: Number(failed),
      lateRight: Number(lateRight),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function sumsOf(tasks: readonly Task[]): ReadonlyMap<string, ExpectedBook> {
  const sums = new Map<string, ExpectedBook>();
  for (const { name, ...book } of tasks.flatMap(booksOf)) {
    const before = sums.get(name) ?? { read: 0, applied: 0, late: 0, duplicate: 0, dead: 0 };
    sums.set(name, {
      read: before.read + book.read,
      applied: before.applied + book.applied,
      late: before.late + book.late,
      duplicate: before.duplicate + book.duplicate,
      dead: before.dead + book.dead,
    });
  }
  return sums;
}

/** As a connector would: each record with its lane and append time, in the order given. */
export async function loadReadings(
  log: Log,
  { deployment, partitions, module }: { readonly deployment: string; readonly partitions: number; readonly module: string },
  readings: readonly LoadedReading[],
): Promise<void> {
  const dataset = (await readModule(module)).definitions.datasets.find(({ name }) => name === 'Reading');
  if (dataset === undefined) throw new Error('the module has no such dataset');
  const codec = compileRecordCodec(dataset.fields);
  const keyFields = dataset.fields.filter(({ name }) => dataset.keys.includes(name));
  const encodeKey = compileKeyEncoder(keyFields, dataset.name);
  const byPartition = new Map<number, NewRecord[]>();
  for (const { lane, atUs, appendTimeUs, row } of readings) {
    const values: Readonly<Record<string, string | number>> = { ...row, at: atUs };
    const record = {
      key: encodeKey([row.device]),
      value: codec.encode({
        eventTimeUs: atUs,
        appendTimeUs,
        lane,
        historical: false,
        row: dataset.fields.map(({ name }) => values[name] ?? null),
      }),
    };
    const partition = partitionOfText(row.device, partitions);
    byPartition.set(partition, [...(byPartition.get(partition) ?? []), record]);
  }
  for (const [partition, records] of byPartition) await log.append({ topic: datasetTopic(deployment, 'Reading', 1), partition }, records);
}

/** What is in the dead letters of Trade, by partition, without the clock: ingest and pipelines write there in no order of theirs. */
export async function deadTrades(log: Log, deployment: string, partitions: number): Promise<readonly (readonly string[])[]> {
  const topic = deadLetterTopic(deployment, 'Trade', 1);
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const end = await log.endOffset({ topic, partition });
      const letters: string[] = [];
      for (let offset = 0; offset < end;) {
        const { records, nextOffset } = await log.read({ topic, partition }, offset, { recordsMax: 1_000, bytesMax: 1_000_000 });
        letters.push(
          ...records.map(({ value }) => {
            const { at: _, ...letter } = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>; // of ingest and the aggregator
            return withoutClock(JSON.stringify(letter));
          }),
        );
        offset = nextOffset;
      }
      return letters.toSorted();
    }),
  );
}

function withoutClock(text: string): string {
  return text.replaceAll(/which shows [^:]+:\d\d:[\d.]+Z/g, 'which shows NOW');
}

async function withChannel<T>(target: string, act: (channel: RpcChannel) => Promise<T>): Promise<T> {
  const channel = openChannel({ target, apiKey: TEST_INTERNAL_KEY });
  try {
    return await act(channel);
  } finally {
    channel.close();
  }
}

function context(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(CALL_MS_MAX) };
}
