// Every bench as its script line starts it, with sizes too small to say anything about speed: the commands work, each
// answer that a load generator checks is right, and the last line is what programs read.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { componentOrSkip } from '../support/component.js';
import { postgresPrograms } from '../support/postgres.js';
import { moto } from '../support/s3-servers.js';
import { whyNoKafka } from '../../infra/kafka/kafka-jars.js';

/** A bench of this size takes two to five seconds on an idle machine. */
const BENCH_DEADLINE_MS = 180_000;

/** The arguments of a small run, and the names that the last line must hold. */
const benches: Readonly<Record<string, readonly [args: readonly string[], names: readonly string[]]>> = {
  read: [
    ['--events', '2000', '--entities', '200', '--queries', '500', '--seconds', '0.5'],
    ['handler_p50_us', 'handler_p99_us', 'rest_p50_us', 'rest_qps', 'grpc_qps', 'mixed_p99_ms', 'rest_ratio', 'grpc_ratio'],
  ],
  hot: [
    ['--events', '5000', '--queries', '200', '--late-inserts', '50'],
    ['hot_p50_us', 'late_insert_p50_us'],
  ],
  aggregate: [
    ['--events', '2000', '--entities', '200'],
    ['events_per_s', 'cpu_us_per_event'],
  ],
  changes: [
    ['--rows', '2000', '--entities', '20', '--queries', '200'],
    ['events_per_s', 'read_p50_us', 'read_ratio'],
  ],
  path: [
    ['--seconds', '1'],
    ['events_per_s', 'accepted_per_s'],
  ],
  console: [
    ['--flights', '500', '--rounds', '1'],
    ['bytes_gz', 'first_paint_ms', 'travel_ms'],
  ],
  freshness: [
    ['--seconds', '1'],
    ['p50_ms_1000', 'p99_ms_1000', 'events_per_s_1000', 'p50_ms', 'p99_ms', 'events_per_s'],
  ],
  log: [
    ['--records', '5000'],
    ['append_records_per_s', 'append_cpu_us_per_record', 'read_records_per_s', 'commit_cpu_us_per_record'],
  ],
  offline: [
    ['--events', '2000', '--entities', '200', '--rows', '2000'],
    ['rows_per_s', 'rows_per_s_uniform', 'rows_per_s_without_percentiles', 'cpu_us_per_row', 'peak_rss_mb'],
  ],
  size: [
    ['--events', '2000', '--entities', '1000'],
    ['bytes_per_event', 'rss_mb'],
  ],
  cli: [
    ['--runs', '2'],
    ['help_p50_ms', 'query_p50_ms'],
  ],
  testing: [
    ['--starts', '5'],
    ['start_p50_ms', 'add_and_query_p50_ms'],
  ],
  types: [
    ['--classes', '4'],
    ['check_s', 'instantiations', 'memory_mb'],
  ],
  windows: [
    ['--exponent-max', '3'],
    ['read_1e2_p50_us', 'late_1e3_p50_us', 'slope'],
  ],
};

/** The same on a broker that each starts: skipped loudly where there can be none, and in CI a failure. */
const kafkaBenches: typeof benches = {
  aggregate: [
    ['--log', 'kafka', '--events', '2000', '--entities', '200'],
    ['events_per_s', 'broker_cpu_us_per_event'],
  ],
  path: [
    ['--log', 'kafka', '--seconds', '1'],
    ['events_per_s', 'broker_cpu_us'],
  ],
  source: [
    ['kafka', '--rows', '2000', '--batches', '3'],
    ['rows_per_s', 'lag_p99_ms', 'cpu_us_per_row', 'bare_rows_per_s'],
  ],
  takeover: [
    ['--kills', '1', '--partitions', '2'],
    ['p50_ms', 'p99_ms', 'noticed_p50_ms', 'assigned_p50_ms', 'acquired_p50_ms', 'readable_p50_ms'],
  ],
};

/** Kinds of bench:source and what each needs that may not be there. */
const sourceKinds: Readonly<Record<string, readonly [isThere: () => boolean, what: string]>> = {
  files: [() => true, ''],
  s3: [() => moto.isThere(), moto.what],
  kinesis: [() => moto.isThere(), moto.what],
  postgres: [() => postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)'],
  'postgres-cdc': [() => postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)'],
};

interface LastLine {
  readonly bench: string;
  readonly commit: string;
  readonly machine: string;
  readonly results: Readonly<Record<string, unknown>>;
}

describe('benches', function () {
  this.timeout(BENCH_DEADLINE_MS + 10_000);
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };

  before(() => execute('npm', ['run', '-s', 'build']));

  it('each has a script line, a small run here, and a place in the readme', () => {
    const readme = readFileSync('infra/bench/README.md', 'utf8');
    const named = Object.keys(scripts)
      .filter((name) => name.startsWith('bench:'))
      .map((name) => name.slice('bench:'.length));
    expect(named.sort()).to.deep.equal([...new Set([...Object.keys(benches), ...Object.keys(kafkaBenches)])].sort());
    for (const name of named) expect(readme).to.contain(`bench:${name}`);
  });

  for (const [name, [args, names]] of Object.entries(benches)) {
    it(`bench:${name} ends with a line of JSON`, async function () {
      if (name === 'console') componentOrSkip(this, existsSync('/usr/bin/chromium'), 'Chromium (/usr/bin/chromium)');
      await check(name, args, names);
    });
  }

  for (const [name, [args, names]] of Object.entries(kafkaBenches)) {
    it(`bench:${name} on Kafka ends with a line of JSON`, async function () {
      const reason = await whyNoKafka('4.3.1');
      if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason);
      if (reason !== undefined) {
        process.stderr.write(`\n  SKIPPED, no bench ran on Kafka: ${reason}\n\n`);
        return this.skip();
      }
      await check(name, args, names);
    });
  }

  for (const [kind, [isThere, what]] of Object.entries(sourceKinds)) {
    it(`bench:source -- ${kind} ends with a line of JSON`, async function () {
      componentOrSkip(this, isThere(), what);
      await check('source', [kind, '--rows', '2000', '--batches', '3'], ['rows_per_s', 'lag_p99_ms', 'cpu_us_per_row', 'bare_rows_per_s']);
    });
  }

  async function check(name: string, args: readonly string[], names: readonly string[]): Promise<void> {
    const output = await run(scripts[`bench:${name}`] ?? '', args);
    const { bench, commit, machine, results } = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as LastLine;
    expect({ bench, hasCommit: commit.length > 0, hasMachine: machine.length > 0 }).to.deep.equal({
      bench: name,
      hasCommit: true,
      hasMachine: true,
    });
    for (const figure of names) expect(results[figure], figure).to.be.a('number');
  }
});

/** Its standard output; what it says on standard error comes with the failure. What the script line builds first has been built. */
function run(script: string, args: readonly string[]): Promise<string> {
  const [build, bench = ''] = script.split(' && ');
  expect(build, script).to.equal('npm run -s build');
  const [program, ...rest] = bench.split(' ');
  expect(program, script).to.equal('node');
  return execute(process.execPath, [...rest, ...args]);
}

function execute(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: BENCH_DEADLINE_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${args.join(' ')} failed: ${stdout}${stderr}`, { cause: error }));
    });
  });
}
