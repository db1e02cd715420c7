import { join } from 'node:path';
import { expect } from 'chai';
import { passed, reliabilityReport, type SuiteResults } from '../../infra/report/reliability-report.js';
import {
  readResult,
  writeResult,
  type CrashResult,
  type FuzzResult,
  type PlantedResult,
  type SoakResult,
} from '../../infra/report/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const head = { commit: 'abc123', machine: '2 x slow', startedAt: '2026-01-02T03:04:05.000Z', endedAt: '2026-01-02T04:04:05.000Z', seed: 7 };
const crash: CrashResult = {
  ...head,
  suite: 'crash',
  rounds: 53,
  kills: 300,
  randomKills: 200,
  voided: 0,
  crashPoints: { listed: 3, hit: ['a', 'b'] },
  scenarios: ['away', 'lost'],
  records: 123_456,
  retries: 5,
  repeats: 6,
  erasures: 7,
  reads: 70,
  answers: 9_000,
  digests: 10,
  lost: 0,
  duplicated: 0,
  resurrected: 0,
  upgrades: 7,
  rebuilds: 8,
  outOfOrder: 0,
  wrong: [],
  recoveryMs: { count: 100, p50: 812.4, p99: 2_100 },
};
const planted: PlantedResult = {
  ...head,
  suite: 'planted',
  planted: 2,
  caught: 2,
  bugs: [
    { name: 'no | dedupe', rules: 'S13', caught: true, by: 'a test' },
    { name: 'edge', rules: 'S2', caught: true, by: 'another' },
  ],
};
const fuzz: FuzzResult = {
  ...head,
  suite: 'fuzz',
  runs: 500,
  routes: 20,
  rpcs: 17,
  inputs: 20_000,
  structured: 12_000,
  raw: 8_000,
  faults: 0,
  wrong: [],
};
const soak: SoakResult = {
  ...head,
  suite: 'soak',
  minutes: 10,
  kills: 2,
  commits: 29,
  records: 40_000,
  reads: 900,
  refused: 0,
  pairs: 45,
  answers: 8_000,
  wrong: [],
  slopes: [{ name: 'owner: heap', last: 9, fillsTo: 1, perHour: 1, perHourMax: 2, verdict: 'holds' }],
  loadPerCpu: 0.5,
  readP50Ms: 1.25,
  readP99Ms: 20,
};
const crashKafka: CrashResult = { ...crash, seed: 8, kills: 80, crashPoints: { listed: 2, hit: ['a', 'b'] }, scenarios: ['zombies'] };
const plantedKafka: PlantedResult = {
  ...head,
  suite: 'planted',
  planted: 1,
  caught: 1,
  bugs: [{ name: 'no epoch', rules: 'L4', caught: true, by: 'a test on Kafka' }],
};
const all: SuiteResults = { crash, crashKafka, planted, plantedKafka, fuzz, soak };
const none: SuiteResults = {
  crash: undefined,
  crashKafka: undefined,
  planted: undefined,
  plantedKafka: undefined,
  fuzz: undefined,
  soak: undefined,
};

describe('the reliability report', () => {
  it('gives every figure, with commits, seeds and how to have them again', () => {
    const text = reliabilityReport(all);
    for (const line of [
      '| deployments that lived through kills | 51 |',
      '| and through other faults | a replica that is cut off until only a snapshot helps; the disks of an owner and a standby lost |',
      '| kills survived | 300: 100 at named points, 200 at random moments; 0 void |',
      '| crash points covered | 2 of 3 |',
      '| on Kafka: crash points covered | 2 of 2 |',
      '| on Kafka: and through other faults | owners that stand still past their session, and go on when another has their partitions |',
      '| records acknowledged under faults | 123,456, with 5 retries and 6 deliberate repeats |',
      '| definitions changed under faults | 7 upgrades of a dataset, 8 rebuilds of a publishing pipeline |',
      '| **lost / duplicated / resurrected / out of order** | **0 / 0 / 0 / 0** |',
      '| from a kill to an acknowledged push that is read back | p50 812 ms, p99 2,100 ms (of 100) |',
      '| planted bugs caught | 2 of 2 |',
      '| on Kafka: planted bugs caught | 1 of 1 |',
      '| no epoch | L4 | a test on Kafka |',
      '| fuzzed inputs | 20,000 (12,000 structured, 8,000 raw) for 20 routes, 17 RPCs and the compiler; 0 tests found a fault |',
      '| grew beyond its limit | nothing |',
      'No failure in 300 kills bounds the rate of failures by about 1.0 % of kills (95 %).',
      'No failure in 80 kills on Kafka bounds the rate of failures by about 3.8 % of kills (95 %).',
      '| no \\| dedupe | S13 | a test |',
    ])
      expect(text.split('\n')).to.include(line);
    expect(text).to.match(
      /^\| soak \| passed \| `abc123` \| 7 \| 2026-01-02 04:04 \| 2 x slow \| `npm run soak -- --seed 7 --minutes 10 --kills 2` \|$/m,
    );
  });

  it('says what was not covered: suites that did not run, points without a kill, and what no suite can show', () => {
    expect(reliabilityReport(all)).to.match(/## Not covered\n\n- 1 crash points[^\n]+\n- Loss of power/);
    const text = reliabilityReport({ ...none, planted });
    expect(text).to.match(
      /- The crash suite has not run\.\n- The crash on Kafka suite has not run\.\n- The planted on Kafka suite has not run\.\n- The fuzz suite has not run\.\n- The soak suite has not run\.\n- Loss of power/,
    );
    expect(text).to.not.contain('bounds the rate');
    expect(() => reliabilityReport(none)).to.throw(/run npm run test:crash/);
  });

  it('shows what failed, and claims nothing from it', () => {
    const failures: readonly SuiteResults[] = [
      { ...all, crash: { ...crash, lost: 1 } },
      { ...all, crash: { ...crash, voided: 1 } },
      { ...all, crash: { ...crash, wrong: ['half a tick'] } },
      { ...all, crashKafka: { ...crashKafka, duplicated: 1 } },
      { ...all, planted: { ...planted, caught: 1 } },
      { ...all, plantedKafka: { ...plantedKafka, caught: 0 } },
      { ...all, fuzz: { ...fuzz, faults: 1 } },
      { ...all, fuzz: { ...fuzz, inputs: 0 } },
      { ...all, soak: { ...soak, slopes: [{ name: 'owner: heap', last: 9, fillsTo: 1, perHour: 3, perHourMax: 2, verdict: 'grows' }] } },
    ];
    for (const results of failures) {
      const text = reliabilityReport(results);
      expect(text.match(/\| \*\*FAILED\*\* \|/g)).to.have.length(1);
      expect(text.includes('300 kills bounds the rate')).to.equal(results.crash === crash);
      expect(text.includes('80 kills on Kafka bounds the rate')).to.equal(results.crashKafka === crashKafka);
    }
    const busy: SoakResult = {
      ...soak,
      loadPerCpu: 4,
      slopes: [{ name: 'read p99', last: 9, fillsTo: 1, perHour: 3, perHourMax: 2, verdict: 'not judged' }],
    };
    expect(reliabilityReport({ ...none, soak: busy })).to.contain(
      '| grew beyond its limit | nothing; not judged, since others kept the machine busy (load 4.0 per processor): read p99 |',
    );
    expect(passed(busy)).to.equal(true);
    expect([crash, planted, fuzz, soak].map(passed)).to.deep.equal([true, true, true, true]);
    expect(reliabilityReport(failures.at(-1) ?? all)).to.contain('| grew beyond its limit | **owner: heap** |');
  });

  it('reads what a suite has written, with its commit and machine', async () => {
    const folder = temporaryFolder();
    expect(await readResult<FuzzResult>('fuzz', folder)).to.equal(undefined);
    await writeResult<FuzzResult>(fuzz, join(folder, 'fuzz.json'));
    const result = await readResult<FuzzResult>('fuzz', folder);
    expect(result).to.include({ suite: 'fuzz', seed: 7, inputs: 20_000, faults: 0 });
    expect(result).to.include.keys('commit', 'machine', 'endedAt');
  });
});
