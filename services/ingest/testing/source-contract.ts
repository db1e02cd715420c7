// The contract of connectors (libs/source/connector.ts, Y1–Y4) and of the sources made with them (S10, S16), as cases that any test
// runner can run. Whoever writes a connector gives its system, and registers the cases:
//
//   import { sourceContract } from 'thyme/connector-testing';
//   for (const { title, run } of sourceContract(openMySystem)) it(title, run);
//
//   contract-system.ts   - what a system must be able to do
//   contract-sources.ts  - ingest's own sources over a log, with the connector under test
//   contract-reader.ts   - the connector alone
//   contract-child.ts    - ingest processes that die at named points; contract-process.ts is what runs in them
//   faulty-proxy.ts      - a line that is slow, cuts answers into pieces, or breaks off, for systems that are reached by TCP
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatasetRecord } from '../../../libs/codec/dataset-record.js';
import { openLevelLog } from '../../../libs/log/level/level-log.js';
import { MemoryLog } from '../../../libs/log/memory/memory-log.js';
import { openLevelStore } from '../../../libs/store/level-store.js';
import type { Sources } from '../sources/sources.js';
import { ContractChild } from './contract-child.js';
import { byLane, openReader, readBatches, throughJson } from './contract-reader.js';
import { contractSource, publishedRows, startContractSources, type ContractSource } from './contract-sources.js';
import { CONTRACT_FAULTS, type ContractFault, type ContractSystem } from './contract-system.js';
import { EMBEDDED_KILLS } from './source-crash-points.js';
import { until } from './until.js';

export { contractDataset, contractRow, type ContractFault, type ContractSystem } from './contract-system.js';
export { FaultyProxy } from './faulty-proxy.js';

/** A case of the contract, for any test runner. */
export interface ContractCase {
  readonly title: string;
  /** Rejects with what is broken. Resolves to `skipped` where the system cannot be told to have the fault. */
  run(): Promise<'held' | 'skipped'>;
}

const READER_ROWS = 300;
const SMALL_BATCH_ROWS = 7;
/** One batch in so many is gone on from. */
const RESUMED_EVERY = 9;
const KILL_ROWS = 30;
/** Several transactions of a source (BATCH_LIMITS), so that another process comes while it is at work. */
const MANY_ROWS = 7_000;

/** The cases, each with a system of its own. A case takes seconds: most of one goes to the processes that it kills. */
export function sourceContract(open: () => Promise<ContractSystem>): readonly ContractCase[] {
  const on = (test: (system: ContractSystem) => Promise<unknown>) => async (): Promise<'held' | 'skipped'> => {
    const system = await open();
    try {
      return (await test(system)) === 'skipped' ? 'skipped' : 'held';
    } finally {
      await system.close();
    }
  };
  return [
    {
      title: 'gives each later row and no earlier one behind any position, in batches of the size asked for (Y1, Y3)',
      run: on(cutAnywhere),
    },
    { title: 'ends within its signal (Y4)', run: on(endsAtOnce) },
    { title: 'flags what was there at the start as history, and nothing else (S10)', run: on(flagsHistory) },
    { title: 'publishes each row once, whichever step its process is killed at (S16)', run: on(survivesKills) },
    { title: 'is taken over by another process while it is at work, each row once (L4)', run: on(isTakenOver) },
    { title: 'never goes on from a position of another place (Y2)', run: on(refusesOtherPlaces) },
    { title: 'stands still while it is paused, and goes on behind what it has published', run: on(pauses) },
    ...CONTRACT_FAULTS.map((fault) => ({ title: `publishes each row once from a system that ${WORDS[fault]}`, run: on(survives(fault)) })),
  ];
}

const WORDS: Readonly<Record<ContractFault, string>> = {
  slow: 'answers slowly',
  halves: 'answers in pieces',
  breaks: 'breaks off in the middle of an answer',
};

async function cutAnywhere(system: ContractSystem): Promise<void> {
  const declared = contractSource(system);
  await system.add(0, READER_ROWS);
  const small = { rowsMax: SMALL_BATCH_ROWS, bytesMax: 1_048_576 };
  const batches = await readBatches(declared, undefined, { rows: READER_ROWS, limits: small });
  const all = batches.flatMap(({ rows }) => rows);
  assert.equal(all.length, READER_ROWS, 'every row is there once');
  for (const { rows } of batches)
    assert.ok(rows.length <= SMALL_BATCH_ROWS, `a batch has ${rows.length} rows, and ${SMALL_BATCH_ROWS} were asked for`);
  let before = 0;
  for (const [i, { rows, position }] of batches.entries()) {
    before += rows.length;
    if (i % RESUMED_EVERY !== 0 || before === READER_ROWS) continue;
    const rest = await readBatches(declared, throughJson(position), {
      rows: READER_ROWS - before,
      limits: { rowsMax: 10_000, bytesMax: 1_048_576 },
    });
    const resumed = [...all.slice(0, before), ...rest.flatMap((batch) => batch.rows)];
    assert.deepEqual(byLane(resumed), byLane(all), `behind the position after ${before} rows come the others, in the order of their lanes`);
  }
}

async function endsAtOnce(system: ContractSystem): Promise<void> {
  await system.add(0, READER_ROWS);
  const reader = await openReader(contractSource(system));
  const reading = new AbortController();
  const ended = (async () => {
    for await (const batch of reader.read(undefined, { rowsMax: 10, bytesMax: 1_048_576 }, reading.signal)) {
      batch.onCommitted?.();
      if (batch.rows.length > 0) reading.abort();
    }
  })();
  await ended;
  await reader.close();
}

async function flagsHistory(system: ContractSystem): Promise<void> {
  await system.add(0, 20);
  await withSources(system, async ({ log, declared }) => {
    await publishes(log, declared, 20);
    await system.add(20, 30);
    const records = await publishes(log, declared, 30);
    const historical = numbersOf(records.filter((record) => record.historical));
    assert.deepEqual(historical, range(0, 20), 'the first twenty are history');
    for (const { lane } of records) assert.ok(lane.length > 0, 'each row has a lane');
  });
}

async function survivesKills(system: ContractSystem): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'thyme-contract-'));
  const folder = join(parent, 'data');
  const declared = contractSource(system);
  let rows = 0;
  try {
    for (const point of EMBEDDED_KILLS) {
      await system.add(rows, (rows += KILL_ROWS));
      await new ContractChild(folder, declared, point).diedAt(point);
    }
    const last = new ContractChild(folder, declared);
    await last.published(rows).finally(() => last.kill());
    const store = await openLevelStore(folder);
    const log = await openLevelLog(store);
    try {
      onceEach(await publishedRows(log, declared), rows);
    } finally {
      await log.close();
      await store.close();
    }
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

async function isTakenOver(system: ContractSystem): Promise<void> {
  await system.add(0, MANY_ROWS);
  await withSources(system, async ({ log, declared, sources }) => {
    await until(
      () => (sources.list()[0]?.rows ?? 0) > 0,
      () => `the first process has begun; ${phaseOf(sources)}`,
    );
    const second = await startContractSources(log, declared);
    try {
      await system.add(MANY_ROWS, MANY_ROWS + 20);
      await publishes(log, declared, MANY_ROWS + 20);
    } finally {
      await second.stop({ graceMs: 5_000 });
    }
    onceEach(await publishedRows(log, declared), MANY_ROWS + 20);
  });
}

async function refusesOtherPlaces(system: ContractSystem): Promise<void> {
  await system.add(0, 20);
  await withSources(system, async ({ log, declared, sources }) => {
    await publishes(log, declared, 20);
    await sources.stop({ graceMs: 5_000 });
    const other = await startContractSources(log, { ...declared, source: { ...declared.source, config: system.elsewhere } });
    try {
      await until(
        () => phaseOf(other).startsWith('stopped'),
        () => `the source of another place stands still; ${phaseOf(other)}`,
      );
      assert.match(phaseOf(other), /raise the version of the dataset/);
    } finally {
      await other.stop({ graceMs: 5_000 });
    }
    onceEach(await publishedRows(log, declared), 20);
  });
}

async function pauses(system: ContractSystem): Promise<void> {
  await system.add(0, 20);
  await withSources(system, async ({ log, declared, sources }) => {
    await publishes(log, declared, 20);
    await sources.setPaused(declared.dataset.name, true);
    await until(
      () => phaseOf(sources).startsWith('paused'),
      () => `it is paused; ${phaseOf(sources)}`,
    );
    await system.add(20, 40);
    onceEach(await publishedRows(log, declared), 20);
    await sources.setPaused(declared.dataset.name, false);
    await publishes(log, declared, 40);
    onceEach(await publishedRows(log, declared), 40);
  });
}

function survives(fault: ContractFault): (system: ContractSystem) => Promise<unknown> {
  return async (system) => {
    const begin = system.faults?.[fault];
    if (begin === undefined) return 'skipped';
    await system.add(0, 3_000);
    await begin();
    return withSources(system, async ({ log, declared }) => {
      await publishes(log, declared, 3_000);
      await system.heal?.();
      await system.add(3_000, 3_010);
      await publishes(log, declared, 3_010);
      onceEach(await publishedRows(log, declared), 3_010);
    });
  };
}

interface Running {
  readonly log: MemoryLog;
  readonly declared: ContractSource;
  readonly sources: Sources;
}

async function withSources(system: ContractSystem, work: (running: Running) => Promise<void>): Promise<void> {
  const log = new MemoryLog();
  const declared = contractSource(system);
  const sources = await startContractSources(log, declared);
  try {
    await work({ log, declared, sources });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} (the source: ${phaseOf(sources)})`, { cause: error });
  } finally {
    await sources.stop({ graceMs: 5_000 });
    await log.close();
  }
}

/** Resolves to all rows when there are as many. */
async function publishes(log: MemoryLog, declared: ContractSource, count: number): Promise<readonly DatasetRecord[]> {
  let records: readonly DatasetRecord[] = [];
  await until(
    async () => (records = (await publishedRows(log, declared)).flat()).length >= count,
    () => `${count} rows are published; ${records.length} are`,
  );
  return records;
}

/** Each number once, and those of a key in their order. */
function onceEach(partitions: readonly (readonly DatasetRecord[])[], count: number): void {
  assert.deepEqual(numbersOf(partitions.flat()), range(0, count), 'each row is published exactly once');
  for (const records of partitions) {
    const last = new Map<unknown, number>();
    for (const { row } of records) {
      const [key, n] = [row[0], Number(row[1])];
      assert.ok(n > (last.get(key) ?? -1), `row ${n} of ${String(key)} stands behind a later one`);
      last.set(key, n);
    }
  }
}

function numbersOf(records: readonly DatasetRecord[]): readonly number[] {
  return records.map(({ row }) => Number(row[1])).sort((a, b) => a - b);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function phaseOf(sources: Sources): string {
  const phase = sources.list()[0]?.phase;
  return phase === undefined ? 'there is none' : `${phase.kind}${'cause' in phase ? `: ${phase.cause}` : ''}`;
}
