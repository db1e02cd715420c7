// `npm run report:reliability`: RELIABILITY.md from what the suites left in results/; code 1 where one of them failed.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { passed, reliabilityReport, type SuiteResults } from './reliability-report.js';
import { readResult, RESULTS_FOLDER, type CrashResult, type FuzzResult, type PlantedResult, type SoakResult } from './results.js';

const REPORT = fileURLToPath(new URL('../../RELIABILITY.md', import.meta.url));

const { values } = parseArgs({
  options: { results: { type: 'string', default: RESULTS_FOLDER }, out: { type: 'string', default: REPORT } },
});

const results: SuiteResults = {
  crash: await readResult<CrashResult>('crash', values.results),
  crashKafka: await readResult<CrashResult>('crash-kafka', values.results),
  planted: await readResult<PlantedResult>('planted', values.results),
  plantedKafka: await readResult<PlantedResult>('planted-kafka', values.results),
  fuzz: await readResult<FuzzResult>('fuzz', values.results),
  soak: await readResult<SoakResult>('soak', values.results),
};
await writeFile(values.out, reliabilityReport(results));
for (const result of Object.values(results) as SuiteResults[keyof SuiteResults][]) {
  if (result === undefined || passed(result)) continue;
  process.stderr.write(`the ${result.suite} suite failed: see ${values.out}\n`);
  process.exitCode = 1;
}
process.stdout.write(`${values.out}\n`);
