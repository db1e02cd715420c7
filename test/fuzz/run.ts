// `npm run test:fuzz -- --runs N --seed S`: N inputs for every route and RPC, half of them structured by its own
// description and half raw bytes; definitions and modules besides (RELIABILITY, suite 6).
//
//   arbitraries.ts, message-arbitrary.ts - inputs that are nearly right
//   fuzz-target.ts, rpc-caller.ts        - the process that is fed, and what it must never answer
//   rest.test.ts, rpc.test.ts, compiler.test.ts - the suites, which `npm test` runs with fewer inputs
//   tally.ts                             - what was sent and answered
import { parseArgs } from 'node:util';
import Mocha from 'mocha';
import { resultFile, writeResult, type Figures, type FuzzResult } from '../../infra/report/results.js';
import { allTallies, type Tally } from './tally.js';

const SUITES = ['rest', 'rpc', 'compiler'];

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    out: { type: 'string', default: resultFile('fuzz') },
  },
});

const startedAt = new Date().toISOString();
say(`seed ${values.seed}: repeat with --seed ${values.seed} --runs ${values.runs}`);
// The suites read them when they are loaded.
process.env.THYME_FUZZ_RUNS = values.runs;
process.env.THYME_FUZZ_SEED = values.seed;
const mocha = new Mocha({ timeout: 600_000 });
mocha.suite.emit('pre-require', globalThis, '', mocha); // gives `describe` and its like
// Not by mocha's own loader, which would make a second tally.ts, and this one would stay empty.
for (const suite of SUITES) await import(`./${suite}.test.js`);
const failures = new Map<string, string>();
await new Promise<void>((resolve) => {
  mocha
    .run(() => resolve())
    .on('fail', (test, error: unknown) => failures.set(test.fullTitle(), error instanceof Error ? error.message : String(error)));
});
process.exitCode = (await conclude()) ? 0 : 1;

/** Writes the result for the report card; gives whether all is well. */
async function conclude(): Promise<boolean> {
  const targets = allTallies();
  const sum = (of: (tally: Tally) => number): number => Object.values(targets).reduce((total, tally) => total + of(tally), 0);
  const summary: Figures<FuzzResult> & { readonly targets: typeof targets } = {
    suite: 'fuzz',
    startedAt,
    seed: Number(values.seed),
    runs: Number(values.runs),
    routes: Object.keys(targets).filter((name) => /^(GET|POST) /.test(name)).length,
    rpcs: Object.keys(targets).filter((name) => /^\S+\/\S+$/.test(name)).length,
    inputs: sum(({ structured, raw }) => structured + raw),
    structured: sum(({ structured }) => structured),
    raw: sum(({ raw }) => raw),
    faults: failures.size,
    wrong: [...failures].map(([title, message]) => `${title}: ${message.slice(0, 4_000)}`),
    targets,
  };
  await writeResult<FuzzResult>(summary, values.out);
  say(
    `${summary.inputs} inputs (${summary.structured} structured, ${summary.raw} raw) for ${summary.routes} routes and ${summary.rpcs} RPCs; ${summary.faults} suites found a fault`,
  );
  for (const wrong of summary.wrong) say(`  WRONG ${wrong}`);
  say(`written to ${values.out}`);
  return failures.size === 0 && summary.inputs > 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
