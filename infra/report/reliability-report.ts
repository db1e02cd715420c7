import type { CrashResult, FuzzResult, PlantedResult, SoakResult, SuiteName, SuiteResult } from './results.js';

/** The last run of each suite; undefined where it has not run. */
export interface SuiteResults {
  readonly crash: CrashResult | undefined;
  /** The crash suite on a fleet and a real broker. */
  readonly crashKafka: CrashResult | undefined;
  readonly planted: PlantedResult | undefined;
  /** Those of the Kafka driver and of fleets. */
  readonly plantedKafka: PlantedResult | undefined;
  readonly fuzz: FuzzResult | undefined;
  readonly soak: SoakResult | undefined;
}

interface Row {
  readonly what: string;
  readonly figure: string;
}

type RunName = SuiteName | 'crash on Kafka' | 'planted on Kafka';

/** How each suite is had again; a report that nobody can repeat proves nothing. */
const COMMANDS: Readonly<Record<RunName, (result: SuiteResult) => string>> = {
  crash: ({ seed }) => `npm run test:crash -- --seed ${seed}`,
  'crash on Kafka': ({ seed }) => `npm run test:crash -- --log kafka --seed ${seed}`,
  planted: () => 'npm run test:planted',
  'planted on Kafka': () => 'npm run test:planted -- --log kafka',
  fuzz: (result) => `npm run test:fuzz -- --seed ${result.seed}${result.suite === 'fuzz' ? ` --runs ${result.runs}` : ''}`,
  soak: (result) =>
    `npm run soak -- --seed ${result.seed}${result.suite === 'soak' ? ` --minutes ${result.minutes} --kills ${result.kills}` : ''}`,
};

/** By the names of test/crash/scenarios.ts and kafka-scenarios.ts. */
const SCENARIOS: Readonly<Record<string, string>> = {
  away: 'a replica that is cut off until only a snapshot helps',
  stopped: 'an owner that stands still, with another at its folder',
  lost: 'the disks of an owner and a standby lost',
  network: 'a line that is slow, silent, reset, half closed',
  zombies: 'owners that stand still past their session, and go on when another has their partitions',
  broker: 'the broker killed and started again',
  answers: 'requests to commit, and their answers, lost',
  disks: 'the disks of workers and a standby lost',
};

/** What no suite here can show, whatever its figures. */
const NEVER_COVERED: readonly string[] = [
  'Loss of power: `kill -9` leaves what the system has in its caches; that a disk keeps what it was told to sync is taken on trust.',
  'Faults between machines: all processes run on one, and the relay between owner and replica is a process there too.',
  'Kafka of several brokers under the whole platform: the one that is killed is the only one. Leaders that move under load are shown for the log alone (test/kafka/three-brokers.kafka.ts).',
  'A flipped bit in a table that LevelDB can still decode: it compares no checksums when it reads, so only the digests of two replicas show it. What cannot be decoded is noticed, and owner or replica then build theirs anew.',
  'Memory that returns other bits than were written, and clocks that jump back while a process runs.',
];

/** The report card as Markdown: what was run, with which seed, on which commit, what came of it, and what was not tested. */
export function reliabilityReport(results: SuiteResults): string {
  const ran = runsOf(results).flatMap(([name, result]) => (result === undefined ? [] : [{ name, result }]));
  if (ran.length === 0) throw new Error('no suite has left a result: run npm run test:crash, test:planted or soak first');
  return [
    '# Reliability',
    '',
    'What the fault-injecting suites did when they last ran, and what came of it. Written by `npm run report:reliability`; do not edit.',
    '',
    ...table(
      ['what', 'figure'],
      [
        ...crashRows(results.crash),
        ...onKafka(crashRows(results.crashKafka)),
        ...plantedRows(results.planted),
        ...onKafka(plantedRows(results.plantedKafka)),
        ...fuzzRows(results.fuzz),
        ...soakRows(results.soak),
      ].map(({ what, figure }) => [what, figure]),
    ),
    '',
    ...boundOf(results.crash, ''),
    ...boundOf(results.crashKafka, ' on Kafka'),
    '## Runs',
    '',
    ...table(
      ['suite', 'verdict', 'commit', 'seed', 'ended', 'machine', 'again'],
      ran.map(({ name, result }) => [
        name,
        verdict(result),
        `\`${result.commit}\``,
        String(result.seed),
        result.endedAt.slice(0, 16).replace('T', ' '),
        result.machine,
        `\`${COMMANDS[name](result)}\``,
      ]),
    ),
    '',
    'A commit that ends in `+` had changes beside it that were not committed yet.',
    '',
    '## Planted bugs',
    '',
    ...plantedList(results),
    '',
    '## Not covered',
    '',
    ...notCovered(results).map((line) => `- ${line}`),
    '',
  ].join('\n');
}

function runsOf({
  crash,
  crashKafka,
  planted,
  plantedKafka,
  fuzz,
  soak,
}: SuiteResults): readonly (readonly [RunName, SuiteResult | undefined])[] {
  return [
    ['crash', crash],
    ['crash on Kafka', crashKafka],
    ['planted', planted],
    ['planted on Kafka', plantedKafka],
    ['fuzz', fuzz],
    ['soak', soak],
  ];
}

/** Whether a suite found nothing that is wrong. */
export function passed(result: SuiteResult): boolean {
  switch (result.suite) {
    case 'crash':
      return (
        result.wrong.length === 0 && result.voided === 0 && result.lost + result.duplicated + result.resurrected + result.outOfOrder === 0
      );
    case 'planted':
      return result.caught === result.planted && result.planted > 0;
    case 'fuzz':
      return result.faults === 0 && result.inputs > 0;
    case 'soak':
      return result.wrong.length === 0 && result.slopes.every(({ verdict }) => verdict !== 'grows');
  }
}

function verdict(result: SuiteResult): string {
  return passed(result) ? 'passed' : '**FAILED**';
}

function crashRows(result: CrashResult | undefined): readonly Row[] {
  if (result === undefined) return [];
  const { kills, randomKills, voided, crashPoints, rounds, scenarios, recoveryMs } = result;
  return [
    { what: 'deployments that lived through kills', figure: count(rounds - scenarios.length) },
    { what: 'and through other faults', figure: scenarios.map((name) => SCENARIOS[name] ?? name).join('; ') },
    {
      what: 'kills survived',
      figure: `${count(kills)}: ${count(kills - randomKills)} at named points, ${count(randomKills)} at random moments; ${count(voided)} void`,
    },
    { what: 'crash points covered', figure: `${crashPoints.hit.length} of ${crashPoints.listed}` },
    {
      what: 'records acknowledged under faults',
      figure: `${count(result.records)}, with ${count(result.retries)} retries and ${count(result.repeats)} deliberate repeats`,
    },
    { what: 'entities erased under faults', figure: count(result.erasures) },
    {
      what: 'definitions changed under faults',
      figure: `${count(result.upgrades)} upgrades of a dataset, ${count(result.rebuilds)} rebuilds of a publishing pipeline`,
    },
    {
      what: 'answers compared with an independent recount',
      figure: `${count(result.answers)}, and ${count(result.digests)} digests of replicas`,
    },
    {
      what: '**lost / duplicated / resurrected / out of order**',
      figure: `**${count(result.lost)} / ${count(result.duplicated)} / ${count(result.resurrected)} / ${count(result.outOfOrder)}**`,
    },
    {
      what: 'from a kill to an acknowledged push that is read back',
      figure: `p50 ${count(recoveryMs.p50)} ms, p99 ${count(recoveryMs.p99)} ms (of ${count(recoveryMs.count)})`,
    },
  ];
}

function plantedRows(result: PlantedResult | undefined): readonly Row[] {
  return result === undefined ? [] : [{ what: 'planted bugs caught', figure: `${result.caught} of ${result.planted}` }];
}

function onKafka(rows: readonly Row[]): readonly Row[] {
  return rows.map(({ what, figure }) => ({ what: `on Kafka: ${what}`, figure }));
}

function fuzzRows(result: FuzzResult | undefined): readonly Row[] {
  return result === undefined
    ? []
    : [
        {
          what: 'fuzzed inputs',
          figure: `${count(result.inputs)} (${count(result.structured)} structured, ${count(result.raw)} raw) for ${result.routes} routes, ${result.rpcs} RPCs and the compiler; ${count(result.faults)} tests found a fault`,
        },
      ];
}

function soakRows(result: SoakResult | undefined): readonly Row[] {
  if (result === undefined) return [];
  const named = (wanted: 'grows' | 'not judged'): readonly string[] =>
    result.slopes.filter(({ verdict }) => verdict === wanted).map(({ name }) => name);
  const [growing, unjudged] = [named('grows'), named('not judged')];
  return [
    {
      what: 'soak',
      figure: `${count(result.minutes)} minutes, ${count(result.records)} records, ${count(result.reads)} reads (p50 ${result.readP50Ms.toFixed(1)} ms, p99 ${result.readP99Ms.toFixed(1)} ms), ${count(result.commits)} commits, ${count(result.kills)} kills`,
    },
    {
      what: 'grew beyond its limit',
      figure:
        (growing.length === 0 ? 'nothing' : `**${growing.join(', ')}**`) +
        (unjudged.length === 0
          ? ''
          : `; not judged, since others kept the machine busy (load ${result.loadPerCpu.toFixed(1)} per processor): ${unjudged.join(', ')}`),
    },
    {
      what: 'reads asked again about the same instant',
      figure: `${count(result.pairs)} pairs agree, and ${count(result.answers)} answers with the recount`,
    },
  ];
}

/** The rule of three: so much is known after that many trials without a failure. */
function boundOf(result: CrashResult | undefined, where: string): readonly string[] {
  if (result === undefined || result.kills === 0 || !passed(result)) return [];
  return [
    `No failure in ${count(result.kills)} kills${where} bounds the rate of failures by about ${((3 / result.kills) * 100).toPrecision(2)} % of kills (95 %).`,
    '',
  ];
}

/** Those of Kafka's own behind the others. */
function plantedList({ planted, plantedKafka }: SuiteResults): readonly string[] {
  const bugs = [...(planted?.bugs ?? []), ...(plantedKafka?.bugs ?? [])];
  if (bugs.length === 0) return ['Not run.'];
  return table(
    ['bug', 'breaks', 'noticed by'],
    bugs.map(({ name, rules, caught, by }) => [name, rules, caught ? by : `**not caught**: ${by}`]),
  );
}

function notCovered(results: SuiteResults): readonly string[] {
  const missing = runsOf(results)
    .filter(([, result]) => result === undefined)
    .map(([name]) => `The ${name} suite has not run.`);
  const points = (
    [
      ['', results.crash],
      [' on Kafka', results.crashKafka],
    ] as const
  ).flatMap(([where, result]) => {
    const left = result === undefined ? 0 : result.crashPoints.listed - result.crashPoints.hit.length;
    return left <= 0 ? [] : [`${left} crash points${where} at which nothing was killed.`];
  });
  return [...missing, ...points, ...NEVER_COVERED];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
