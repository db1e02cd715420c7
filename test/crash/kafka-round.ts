import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaCluster } from '../../infra/kafka/kafka.js';
import { Extras } from './extras.js';
import { feedPlaces, type FeedDatabases } from './feed-database.js';
import type { FeedPlaces } from './feeds.js';
import { readJournal } from './journal.js';
import { Fleet } from './kafka-fleet.js';
import { FleetKiller } from './kafka-killer.js';
import type { FleetPlan } from './kafka-plan.js';
import { PublishedReader } from './kafka-published.js';
import { FleetRecovery } from './kafka-recovery.js';
import { verifyFleet } from './kafka-verify.js';
import type { KillResult } from './killer.js';
import { Probe } from './probe.js';
import type { Programs } from './program.js';
import { noFindings, report, type Findings } from './questions.js';
import { recount } from './recount.js';
import { restClient } from './rest.js';
import { endGenerator, LOAD_BEFORE_MS, startGenerator, type RoundResult } from './round.js';

/** What an ordeal works with. */
export interface FleetRound {
  readonly fleet: Fleet;
  readonly kafka: KafkaCluster;
  readonly extras: Extras;
  readonly recovery: FleetRecovery;
  readonly findings: Findings;
}

/** What a round does while the load runs. */
export type FleetOrdeal = (round: FleetRound) => Promise<readonly KillResult[]>;

export interface FleetLife {
  readonly programs: Programs;
  readonly databases: FeedDatabases;
  readonly kafka: KafkaCluster;
  /** The name of the deployment; each round has topics of its own. */
  readonly name: string;
  readonly seed: number;
  /** Whether everything reaches the broker through the proxy. */
  readonly proxied: boolean;
}

/** Two workers then own different numbers of partitions. */
const PARTITIONS = 3;
const EVENTS_PER_SECOND = 120;

export function fleetKillsOf({ kills }: FleetPlan): FleetOrdeal {
  return (round) => new FleetKiller(round).run(kills);
}

/** One deployment on the broker: load, ordeal, and then the recount against everything that can answer. */
export async function runFleetRound(
  { programs, databases, kafka, name, seed, proxied }: FleetLife,
  ordeal: FleetOrdeal,
): Promise<RoundResult> {
  const startMs = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'thyme-crash-'));
  const findings = noFindings();
  const brokers = proxied ? [kafka.proxied?.address ?? ''] : kafka.brokers;
  const fleet = await Fleet.create({ programs, folder, partitions: PARTITIONS, deployment: name, brokers });
  const client = restClient(fleet.restUrl);
  const feeds = await feedPlaces(databases, folder);
  const extras = new Extras(folder, feeds, client);
  const recovery = new FleetRecovery(client, PARTITIONS);
  const published = new PublishedReader(fleet);
  let failed = true;
  try {
    await fleet.startAll();
    if (!(await extras.commit())) throw new Error('the first commit was refused');
    await published.start();
    const journal = join(folder, 'journal.ndjson');
    const { kills, reads } = await underLoad({ programs, fleet, feeds, journal, seed, findings }, () =>
      ordeal({ fleet, kafka, extras, recovery, findings }),
    );
    const expected = recount(await readJournal(journal), PARTITIONS);
    for (const what of expected.wrong) report(findings, what);
    const digests = await verifyFleet({ fleet, published, expected, extras, seed, findings });
    failed = findings.wrong.length > 0 || kills.some(({ observed }) => !observed);
    const { events, acknowledged, retries, repeats, erasures } = expected;
    return {
      topology: 'kafka',
      seed,
      kills,
      findings,
      events,
      acknowledged,
      retries,
      repeats,
      erasures,
      raised: extras.raised,
      reads,
      digests,
      durationMs: Date.now() - startMs,
      folder: failed ? folder : undefined,
    };
  } finally {
    await published.stop().catch(() => undefined); // a consumer that cannot say goodbye is given up by its group
    await fleet.killAll();
    if (!failed) await rm(folder, { recursive: true, force: true });
  }
}

interface Load {
  readonly programs: Programs;
  readonly fleet: Fleet;
  readonly feeds: FeedPlaces;
  readonly journal: string;
  readonly seed: number;
  readonly findings: Findings;
}

async function underLoad(
  { programs, fleet, feeds, journal, seed, findings }: Load,
  ordeal: () => Promise<readonly KillResult[]>,
): Promise<{ readonly kills: readonly KillResult[]; readonly reads: number }> {
  const generator = startGenerator(programs, {
    restUrl: fleet.restUrl,
    journal,
    seed,
    partitions: PARTITIONS,
    rate: EVENTS_PER_SECOND,
    feeds,
  });
  const probe = new Probe(restClient(fleet.restUrl), findings);
  let kills: readonly KillResult[] = [];
  try {
    await sleep(LOAD_BEFORE_MS);
    kills = await ordeal();
  } finally {
    await endGenerator(generator);
    await probe.stop();
  }
  return { kills, reads: probe.reads };
}
