import { create } from '@bufbuild/protobuf';
import { AggregatorService, ListJobsRequestSchema, type Job, type Task } from '../../gen/thyme/v1/jobs_pb.js';
import { StateService, DigestRequestSchema } from '../../gen/thyme/v1/state_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { createClient, openChannel } from '../../libs/rpc/client.js';
import { report, type Findings } from './questions.js';
import type { Books, Recount } from './recount.js';
import { readFresh, restClient, until } from './rest.js';

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
  duplicate: number;
  dead: number;
}

/**
 * Waits until the owner has taken in all that was sent and the query service shows what the owner had then,
 * by what `freshness` says of it; then closes the books: accepted = applied + late + filtered, duplicates apart.
 */
export async function settle(cluster: Settling, recount: Recount, extras: readonly string[], findings: Findings): Promise<void> {
  const expected = new Map([...recount.books, ...extras.map((name): [string, Books] => [`${name}.build`, recount.books.get('MerchantStats.build') ?? { applied: 0, filtered: 0, late: 0 }])]);
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
  const settledUs = Date.now() * 1_000;
  const client = restClient(cluster.restUrl);
  await until('the query service', SETTLE_DEADLINE_MS, async () => {
    const { asOfUs, lagUs } = await readFresh(client, 'PayerSignals', 'payer_0');
    return lagUs !== undefined && asOfUs - lagUs >= settledUs ? true : undefined;
  });
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

async function digest(cluster: Settling, role: 'reader' | 'standby', partition: number): Promise<{ readonly seq: number; readonly sha256: string } | undefined> {
  return call(cluster.grpc(role), async (channel, signal) => {
    const { seq, sha256 } = await createClient(StateService, channel).digest(create(DigestRequestSchema, { partition }), { signal });
    return { seq: Number(seq), sha256: Buffer.from(sha256).toString('hex') };
  });
}

/** The tasks of those that answer. */
export async function listTasks(owners: readonly string[]): Promise<readonly Task[]> {
  const tasks = await Promise.all(owners.map((owner) => call(owner, async (channel, signal) => (await createClient(AggregatorService, channel).listJobs(create(ListJobsRequestSchema), { signal })).tasks)));
  return tasks.flatMap((own) => own ?? []);
}

async function call<T>(target: string, make: (channel: ReturnType<typeof openChannel>, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const channel = openChannel({ target });
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
  for (const job of tasks.flatMap(({ jobs }) => jobs)) books.set(job.name, added(books.get(job.name), job));
  return books;
}

function added(sums: Sums | undefined, job: Job): Sums {
  const { read, lag, applied, filtered, late, duplicate, dead } = sums ?? { read: 0, lag: 0, applied: 0, filtered: 0, late: 0, duplicate: 0, dead: 0 };
  return {
    read: read + Number(job.read), lag: lag + Number(job.lag), applied: applied + Number(job.applied), filtered: filtered + Number(job.filtered),
    late: late + Number(job.lateDropped), duplicate: duplicate + Number(job.duplicate), dead: dead + Number(job.dead),
  };
}

/** Everything that was sent has arrived: nothing to read, nothing on its way to another partition. */
function isClosed(sums: Sums | undefined, { applied, filtered, late }: Books): boolean {
  if (sums === undefined || sums.lag > 0) return false;
  return sums.applied + sums.filtered + sums.late >= applied + filtered + late && sums.read === sums.applied + sums.filtered + sums.late + sums.duplicate + sums.dead;
}

function compareBooks(name: string, sums: Sums | undefined, { applied, filtered, late }: Books, findings: Findings): void {
  if (sums === undefined) return report(findings, `${name} has no reader`);
  if (sums.applied === applied && sums.filtered === filtered && sums.late === late && sums.dead === 0 && sums.lag === 0) return;
  report(findings, `the books of ${name} do not close: ${JSON.stringify(sums)}, and by the recount ${JSON.stringify({ applied, filtered, late })}`);
  const difference = sums.applied + sums.filtered + sums.late - applied - filtered - late;
  if (difference < 0) findings.lost -= difference;
  else findings.duplicated += difference;
}
