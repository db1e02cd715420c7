// `npm run test:planted`: tests of the tests. Plants one bug at a time in a copy of the tree and demands that the
// test named for it fails; first, that this test passes without it.
//
//   bugs.ts     - the bugs, and the test that must notice each; change-bugs.ts those of S17; kafka-bugs.ts for `--log kafka`
//   tree.ts     - the copy
//   test-run.ts - one run of a test
import { parseArgs } from 'node:util';
import { KAFKA_VERSIONS } from '../../infra/kafka/kafka-jars.js';
import { startKafka } from '../../infra/kafka/kafka.js';
import { resultFile, writeResult, type PlantedResult } from '../../infra/report/results.js';
import { PLANTED_BUGS, type PlantedBug } from './bugs.js';
import { PLANTED_CHANGE_BUGS } from './change-bugs.js';
import { SUITE_SEED } from './fixed-seed.js';
import { PLANTED_KAFKA_BUGS } from './kafka-bugs.js';
import { type NamedTest, runTest } from './test-run.js';
import { TreeCopy } from './tree.js';

interface BugResult {
  readonly name: string;
  readonly rules: string;
  readonly caught: boolean;
  /** The test that noticed, or why none did. */
  readonly by: string;
}

/** Copies of the tree, and runs side by side. */
const SIDE_BY_SIDE = 2;

const { values } = parseArgs({ options: { only: { type: 'string' }, log: { type: 'string', default: 'level' }, out: { type: 'string' } } });
const isOnKafka = values.log === 'kafka';
const bugs = (isOnKafka ? PLANTED_KAFKA_BUGS : [...PLANTED_BUGS, ...PLANTED_CHANGE_BUGS]).filter(
  ({ name }) => values.only === undefined || name.includes(values.only),
);
const startedAt = new Date().toISOString();
const trees = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => TreeCopy.create()));
const results: BugResult[] = [];
/** One broker for all suites but those that end theirs. */
const kafka = isOnKafka ? await startKafka({ version: KAFKA_VERSIONS[0] }) : undefined;
const env: Readonly<Record<string, string>> = kafka === undefined ? {} : { THYME_KAFKA: kafka.brokers.join(',') };
try {
  await checkSound([...new Map(bugs.map(({ suite, noticedBy }) => [`${suite} ${noticedBy}`, { suite, noticedBy }])).values()]);
  await sideBySide(bugs, async (tree, bug) => tell(await tryBug(tree, bug)));
} finally {
  await Promise.all(trees.map((tree) => tree.remove()));
  await kafka?.stop();
}
await conclude();

/** Without a bug, every test passes: only then a failure is a bug that was caught. */
async function checkSound(tests: readonly NamedTest[]): Promise<void> {
  const unsound: string[] = [];
  await sideBySide(tests, async (tree, test) => {
    const run = await runTest(tree.folder, test, env);
    if (run.kind !== 'passed') unsound.push(`${test.suite}, ${test.noticedBy}: ${JSON.stringify(run)}`);
  });
  if (unsound.length > 0) throw new Error(`without any bug these do not pass:\n${unsound.join('\n')}`);
  say(`${tests.length} tests pass without a bug`);
}

/** Each of the work once, in whichever tree is free. */
async function sideBySide<T>(work: readonly T[], act: (tree: TreeCopy, item: T) => Promise<void>): Promise<void> {
  const waiting = [...work];
  // To the end of all, even where one throws: a tree that is in use cannot be removed.
  const ends = await Promise.allSettled(
    trees.map(async (tree) => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(tree, item);
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function tryBug(tree: TreeCopy, { name, rules, replacements, ...test }: PlantedBug): Promise<BugResult> {
  const undo = await tree.plant(replacements);
  try {
    const run = await runTest(tree.folder, test, env);
    switch (run.kind) {
      case 'failed':
        return { name, rules, caught: true, by: run.test };
      case 'passed':
        return { name, rules, caught: false, by: `'${test.noticedBy}' passes` };
      case 'broken':
        return { name, rules, caught: false, by: `'${test.noticedBy}' did not run: ${run.output}` };
    }
  } finally {
    await undo();
  }
}

function tell(result: BugResult): void {
  results.push(result);
  say(`${result.caught ? 'caught' : 'NOT CAUGHT'}  ${result.name} (${result.rules}): ${result.by}`);
}

async function conclude(): Promise<void> {
  const caught = results.filter((result) => result.caught).length;
  await writeResult<PlantedResult>(
    { suite: 'planted', startedAt, seed: SUITE_SEED, planted: results.length, caught, bugs: results },
    values.out ?? resultFile(isOnKafka ? 'planted-kafka' : 'planted'),
  );
  say(`${caught} of ${results.length} planted bugs caught`);
  process.exitCode = caught === results.length ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
