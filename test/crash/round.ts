import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.js';
import { Cluster } from './cluster.js';
import { MERCHANTS } from './entities.js';
import type { Versions } from './evolutions.js';
import { Extras } from './extras.js';
import { feedPlaces, type FeedDatabases } from './feed-database.js';
import type { GeneratorOptions } from './generator-options.js';
import { readJournal } from './journal.js';
import { Killer, type KillResult } from './killer.js';
import type { RoundPlan } from './plan.js';
import { Probe } from './probe.js';
import type { Programs } from './program.js';
import { compare, FEATURESETS, noFindings, questionsFor, report, type Ask, type Findings } from './questions.js';
import { Random } from './random.js';
import { recount, type Recount } from './recount.js';
import { askRest, askRestBatch, restClient } from './rest.js';
import { compareDigests, settle } from './settle.js';
import { withStores } from './stores.js';

export interface RoundResult {
  /** `one`, `apart` or `kafka`. */
  readonly topology: string;
  readonly seed: number;
  readonly kills: readonly KillResult[];
  readonly findings: Findings;
  readonly events: number;
  readonly acknowledged: number;
  readonly retries: number;
  readonly repeats: number;
  readonly erasures: number;
  /** Versions that were raised: of a dataset that is pushed to (S19a), of what a pipeline publishes (S25a). */
  readonly raised: Versions;
  readonly reads: number;
  readonly digests: number;
  readonly durationMs: number;
  /** Kept where something was found. */
  readonly folder: string | undefined;
}

/** What a round does while the load runs. */
export type Ordeal = (round: Round) => Promise<readonly KillResult[]>;

const PARTITIONS = 2;
const EVENTS_PER_SECOND = 250;
const GENERATOR_END_MS = 60_000;
export const LOAD_BEFORE_MS = 300;

/** `rate`: events a second of each dataset. */
export type Life = Pick<RoundPlan, 'topology' | 'seed'> & { readonly rate?: number };

/** What an ordeal works with. */
export interface Round {
  readonly cluster: Cluster;
  readonly extras: Extras;
  readonly findings: Findings;
  readonly journal: string;
}

export function killsOf({ kills }: RoundPlan): Ordeal {
  return ({ cluster, extras }) => new Killer(cluster, extras, restClient(cluster.restUrl)).run(kills);
}

/** What the rounds of a run share. */
export interface Rounds {
  readonly programs: Programs;
  readonly databases: FeedDatabases;
}

/** One deployment: load, ordeal, and then the recount against everything that can answer. */
export async function runRound(
  { programs, databases }: Rounds,
  { topology, seed, rate = EVENTS_PER_SECOND }: Life,
  ordeal: Ordeal,
): Promise<RoundResult> {
  const startMs = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'thyme-crash-'));
  const findings = noFindings();
  const cluster = await Cluster.create({ programs, topology, folder, partitions: PARTITIONS });
  const journal = join(folder, 'journal.ndjson');
  const client = restClient(cluster.restUrl);
  const feeds = await feedPlaces(databases, folder);
  const extras = new Extras(folder, feeds, client);
  try {
    await cluster.startAll();
    if (!(await extras.commit())) throw new Error('the first commit was refused');
    const generator = startGenerator(programs, { restUrl: cluster.restUrl, journal, seed, partitions: PARTITIONS, rate, feeds });
    await sleep(LOAD_BEFORE_MS);
    const probe = new Probe(client, findings);
    let kills: readonly KillResult[] = [];
    try {
      kills = await ordeal({ cluster, extras, findings, journal });
    } finally {
      await endGenerator(generator);
      await probe.stop();
    }
    const expected = recount(await readJournal(journal), PARTITIONS);
    for (const what of expected.wrong) report(findings, what);
    const digests = await verify({ cluster, expected, extras, seed, findings });
    const failed = findings.wrong.length > 0 || kills.some(({ observed }) => !observed);
    if (!failed) await rm(folder, { recursive: true, force: true });
    const { events, acknowledged, retries, repeats, erasures } = expected;
    return {
      topology,
      seed,
      kills,
      findings,
      events,
      acknowledged,
      retries,
      repeats,
      erasures,
      raised: extras.raised,
      reads: probe.reads,
      digests,
      durationMs: Date.now() - startMs,
      folder: failed ? folder : undefined,
    };
  } finally {
    await cluster.stopAll();
  }
}

export function startGenerator(programs: Programs, options: GeneratorOptions): Child {
  return new Child('generator', [programs.generator, JSON.stringify(options)], {});
}

/** It ends once the last batch of each dataset has been answered. */
export async function endGenerator(generator: Child): Promise<void> {
  generator.process.stdin?.end();
  const ended = await Promise.race([generator.ended, sleep(GENERATOR_END_MS, undefined, { ref: false })]);
  if (ended?.code === 0) return;
  generator.signal('SIGKILL');
  throw new Error(`the generator did not end well: ${JSON.stringify(ended)}\n${generator.errors.join('\n')}`);
}

interface Verified {
  readonly cluster: Cluster;
  readonly expected: Recount;
  readonly extras: Pick<Extras, 'names' | 'versions'>;
  readonly seed: number;
  readonly findings: Findings;
}

/** Books and REST while it runs, StateService's digests, and then, stopped, the owner's and every replica's stores. */
async function verify(verified: Verified): Promise<number> {
  const { cluster, expected, extras, findings } = verified;
  await settle(cluster, expected, extras, findings);
  const client = restClient(cluster.restUrl);
  const nowUs = Date.now() * 1_000;
  const asking = { ...verified, nowUs };
  await compareAll('REST', askRest(client), asking);
  await compareNow('REST batch', askRestBatch(client), asking);
  const digests = await compareDigests(cluster, findings);
  for (const late of await cluster.stopAll()) report(findings, late);
  return digests + (await withStores(cluster, findings, (place, ask) => compareAll(place, ask, asking)));
}

export type Asking = Omit<Verified, 'cluster'> & { readonly nowUs: number };

/** What one place answers, now and at instants of the past. */
export async function compareAll(place: string, ask: Ask, { expected, extras, seed, findings, nowUs }: Asking): Promise<void> {
  for (const featureset of FEATURESETS) {
    const questions = questionsFor(featureset, expected, { nowUs, random: new Random(seed) });
    await compare(place, ask, featureset, questions, ({ entity, atUs }) => expected.ask.get(featureset)?.(entity, atUs) ?? {}, findings);
  }
  for (const name of extras.names) {
    const questions = MERCHANTS.map((entity) => ({ entity, atUs: nowUs }));
    await compare(
      place,
      ask,
      `${name}Signals`,
      questions,
      ({ entity, atUs }) => {
        const { payments, numbers } = expected.ask.get('MerchantSignals')?.(entity, atUs) ?? {};
        return { payments, numbers };
      },
      findings,
    );
  }
  await compareNotes(place, ask, { expected, findings, nowUs });
}

export async function compareNow(place: string, ask: Ask, { expected, findings, nowUs }: Asking): Promise<void> {
  for (const featureset of FEATURESETS) {
    const random = new Random(0);
    const questions = questionsFor(featureset, expected, { nowUs, random }).filter(({ atUs }) => atUs === nowUs);
    await compare(place, ask, featureset, questions, ({ entity, atUs }) => expected.ask.get(featureset)?.(entity, atUs) ?? {}, findings);
  }
}

const NOTE_LINES = 3;

/** Acknowledged: all lines. Unanswered: all of them or none, since a batch is appended whole (L2). */
async function compareNotes(
  place: string,
  ask: Ask,
  { expected, findings, nowUs }: Pick<Asking, 'expected' | 'findings' | 'nowUs'>,
): Promise<void> {
  const questions = [...expected.notes.keys()].map((entity) => ({ entity, atUs: nowUs }));
  const answers = await ask('NoteSignals', questions);
  for (const [i, { entity }] of questions.entries()) {
    const lines = Number(answers[i]?.['lines']);
    const acknowledged = expected.notes.get(entity) === true;
    findings.answers++;
    if (lines === NOTE_LINES || (lines === 0 && !acknowledged)) continue;
    if (lines < NOTE_LINES) findings.lost += NOTE_LINES - lines;
    else findings.duplicated += lines - NOTE_LINES;
    report(findings, `${place}: ${entity}, ${acknowledged ? 'acknowledged' : 'unanswered'}, has ${lines} of ${NOTE_LINES} lines`);
  }
}
