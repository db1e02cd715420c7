import { create } from '@bufbuild/protobuf';
import { AggregatorService, ListJobsRequestSchema, type Job, type Task } from '../../gen/thyme/v1/jobs_pb.js';
import { StateService, DigestRequestSchema } from '../../gen/thyme/v1/state_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createClient, openChannel } from '../../libs/rpc/client.js';
import { type Books, NONE, type Span } from './books.js';
import type { Extras } from './extras.js';
import { pipelineVersions } from './evolutions.js';
import { PAYERS } from './entities.js';
import { Lateness } from './lateness.js';
import { report, type Findings } from './questions.js';
import type { Recount } from './recount.js';
import { readFresh, restClient, until } from './rest.js';
import { TEST_INTERNAL_KEY } from '../support/test-keys.js';

const SETTLE_DEADLINE_MS = 45_000;
const CALL_TIMEOUT_MS = 5_000;

/** What is settled: one owner's deployment, or a fleet. */
export interface Settling {
  readonly restUrl: string;
  readonly partitions: number;
  /** gRPC of those that may own partitions, `host:port`. */
  readonly owners: readonly string[];
  grpc(role: 'reader' | 'standby'): string;
}

/** The books of one reader over all partitions. */
interface Sums {
  read: number;
  lag: number;
  applied: number;
  filtered: number;
  late: number;
  outdated: number;
  duplicate: number;
  dead: number;
  erased: number;
}

const OUTCOMES = ['applied', 'filtered', 'late', 'outdated'] as const;
const NO_BOOKS: Books = { applied: NONE, filtered: NONE, late: NONE, outdated: NONE };

/**
 * Waits until the owner has taken in all that was sent and the query service shows what the owner had then,
 * by what `freshness` says of it; then closes the books: accepted = applied + late + filtered, duplicates and what was erased apart.
 */
export async function settle(
  cluster: Settling,
  recount: Recount,
  extras: Pick<Extras, 'names' | 'versions'>,
  findings: Findings,
): Promise<void> {
  const versions = pipelineVersions(extras.versions);
  const byName = new Map([
    ...recount.books,
    ...extras.names.map((name): [string, Books] => [`${name}.build`, recount.books.get('MerchantStats.build') ?? NO_BOOKS]),
  ]);
  // Of those before it a reader may go on until the next commit.
  const expected = new Map([...byName].map(([name, book]) => [bookOf(name, versions.get(name) ?? 1), book]));
  let books: ReadonlyMap<string, Sums> = new Map();
  try {
    await until('the pipelines', SETTLE_DEADLINE_MS, async () => {
      books = booksOf(await listTasks(cluster.owners));
      return [...expected].every(([name, book]) => isClosed(books.get(name), book)) ? true : undefined;
    });
  } catch {
    // The comparison says what is missing.
  }
  for (const [name, book] of expected) compareBooks(name, books.get(name), book, findings);
  await untilAllFresh(cluster);
}

/** Each partition is followed by itself, and its changes arrive in their own time. */
async function untilAllFresh({ restUrl, partitions }: Settling): Promise<void> {
  const settledUs = Date.now() * 1_000;
  const lateness = new Lateness('Payment', partitions);
  for (let partition = 0; partition < partitions; partition++) {
    const payer = PAYERS.find((name) => lateness.partition({ fields: { payer: name } }) === partition);
    if (payer === undefined) continue;
    await until(`answers from partition ${partition}`, SETTLE_DEADLINE_MS, async () => {
      const { asOfUs, lagUs } = await readFresh(restClient(restUrl), 'PayerSignals', payer);
      return lagUs !== undefined && asOfUs - lagUs >= settledUs ? true : undefined;
    });
  }
}

/** What the standby, and the query service's replica, say over StateService: one digest for one seq (C2). */
export async function compareDigests(cluster: Settling, findings: Findings): Promise<number> {
  let compared = 0;
  for (let partition = 0; partition < cluster.partitions; partition++) {
    await until('the replicas', SETTLE_DEADLINE_MS, async () => {
      const [reader, standby] = await Promise.all((['reader', 'standby'] as const).map((role) => digest(cluster, role, partition)));
      if (reader === undefined || standby === undefined || reader.seq !== standby.seq) return undefined;
      if (reader.sha256 !== standby.sha256) report(findings, `partition ${partition}: reader and standby differ at seq ${reader.seq}`);
      compared++;
      return true;
    });
  }
  return compared;
}

async function digest(
  cluster: Settling,
  role: 'reader' | 'standby',
  partition: number,
): Promise<{ readonly seq: number; readonly sha256: string } | undefined> {
  return call(cluster.grpc(role), async (channel, signal) => {
    const { seq, sha256 } = await createClient(StateService, channel).digest(create(DigestRequestSchema, { partition }), { signal });
    return { seq: Number(seq), sha256: Buffer.from(sha256).toString('hex') };
  });
}

/** The tasks of those that answer. */
export async function listTasks(owners: readonly string[]): Promise<readonly Task[]> {
  const tasks = await Promise.all(
    owners.map((owner) =>
      call(
        owner,
        async (channel, signal) =>
          (await createClient(AggregatorService, channel).listJobs(create(ListJobsRequestSchema), { signal })).tasks,
      ),
    ),
  );
  return tasks.flatMap((own) => own ?? []);
}

async function call<T>(
  target: string,
  make: (channel: ReturnType<typeof openChannel>, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const channel = openChannel({ target, apiKey: TEST_INTERNAL_KEY });
  try {
    return await make(channel, AbortSignal.timeout(CALL_TIMEOUT_MS));
  } catch (error) {
    if (error instanceof ThymeError && error.status === 'UNAVAILABLE') return undefined;
    throw error;
  } finally {
    channel.close();
  }
}

function booksOf(tasks: readonly Task[]): ReadonlyMap<string, Sums> {
  const books = new Map<string, Sums>();
  for (const job of tasks.flatMap(({ jobs }) => jobs)) {
    const name = bookOf(job.name, job.version);
    books.set(name, added(books.get(name), job));
  }
  return books;
}

function bookOf(pipeline: string, version: number): string {
  return `${pipeline}, version ${version}`;
}

const NOTHING: Sums = { read: 0, lag: 0, applied: 0, filtered: 0, late: 0, outdated: 0, duplicate: 0, dead: 0, erased: 0 };

function added(sums: Sums | undefined, job: Job): Sums {
  const { read, lag, applied, filtered, late, outdated, duplicate, dead, erased } = sums ?? NOTHING;
  return {
    read: read + Number(job.read),
    lag: lag + Number(job.lag),
    applied: applied + Number(job.applied),
    filtered: filtered + Number(job.filtered),
    late: late + Number(job.lateDropped),
    outdated: outdated + Number(job.outdated),
    duplicate: duplicate + Number(job.duplicate),
    dead: dead + Number(job.dead),
    erased: erased + Number(job.erased),
  };
}

/** Everything that was sent has arrived: nothing to read, nothing on its way to another partition. */
function isClosed(sums: Sums | undefined, books: Books): boolean {
  if (sums === undefined || sums.lag > 0) return false;
  const counted = countedOf(sums);
  return counted >= total(books, 'least') && sums.read === counted + sums.duplicate + sums.dead + sums.erased;
}

function countedOf(sums: Sums): number {
  return OUTCOMES.reduce((sum, outcome) => sum + sums[outcome], 0);
}

function total(books: Books, end: keyof Span): number {
  return OUTCOMES.reduce((sum, outcome) => sum + books[outcome][end], 0);
}

function compareBooks(name: string, sums: Sums | undefined, books: Books, findings: Findings): void {
  if (sums === undefined) return report(findings, `${name} has no reader`);
  const isWithin = OUTCOMES.every((outcome) => sums[outcome] >= books[outcome].least && sums[outcome] <= books[outcome].most);
  if (isWithin && sums.dead === 0 && sums.lag === 0) return;
  report(findings, `the books of ${name} do not close: ${JSON.stringify(sums)}, and by the recount ${JSON.stringify(books)}`);
  const counted = countedOf(sums);
  findings.lost += Math.max(0, total(books, 'least') - counted);
  findings.duplicated += Math.max(0, counted - total(books, 'most'));
}
