// types: what tsc takes for a module of many datasets and featuresets: each dataset with windows over events, each featureset with
// references, an extractor and a lookup. The declarations are those of the package, as its users have them.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { report, say } from './bench-report.js';

const { values } = parseArgs({ options: { classes: { type: 'string', default: '100' } } });
const classes = Number(values.classes);
/** What a check of this size may take on a machine that is busy. */
const TSC_MS_MAX = 300_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
const { bin, version } = JSON.parse(await readFile(manifest, 'utf8')) as {
  readonly version: string;
  readonly bin: { readonly tsc: string };
};

// Beside what was compiled, so that `thyme` and its types are found as in a project.
const folder = await mkdtemp(join(root, 'dist', 'bench-types-'));
try {
  const module = join(folder, 'features.ts');
  await writeFile(module, moduleOf(classes));
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['es2023', 'esnext.decorators', 'esnext.disposable', 'dom'],
    paths: { thyme: [join(root, 'dist', 'libs', 'definition', 'thyme.d.ts')] },
  };
  const settings = join(folder, 'tsconfig.json');
  await writeFile(settings, JSON.stringify({ compilerOptions, files: [module] }));
  say(`TypeScript ${version}, ${classes} datasets with a pipeline each and ${classes} featuresets`);
  const told = diagnosticsOf(await tsc(settings));
  report('types', [
    { name: 'check_s', value: told('Check time'), note: 'types alone, of all classes' },
    { name: 'total_s', value: told('Total time'), note: 'with reading and parsing' },
    { name: 'instantiations', value: told('Instantiations'), note: 'the same on any machine' },
    { name: 'instantiations_per_class', value: told('Instantiations') / (2 * classes) },
    { name: 'memory_mb', value: told('Memory used') / 1_024 },
  ]);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** What it prints; a module with wrong types measures nothing. */
function tsc(settings: string): Promise<string> {
  const args = [join(dirname(manifest), bin.tsc), '-p', settings, '--extendedDiagnostics'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: TSC_MS_MAX, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`tsc found errors:\n${stdout.slice(0, 2_000)}${stderr}`, { cause: error }));
    });
  });
}

/** `Check time:   1.23s`, `Memory used:  123456K` */
function diagnosticsOf(printed: string): (name: string) => number {
  return (name) => {
    const text = new RegExp(`^${name}:\\s+([\\d.]+)[sK]?$`, 'm').exec(printed)?.[1];
    if (text === undefined) throw new Error(`tsc tells no '${name}': ${printed}`);
    return Number(text);
  };
}

function moduleOf(count: number): string {
  const words =
    'Avg, Count, dataset, extractor, feature, featureset, field, input, key, Max, pipeline, Sum, t, timestamp, type ExtractorContext, type Input, type Stream';
  return [`import { ${words} } from 'thyme';`, datasetOf(0), ...range(count).flatMap((i) => [statsOf(i), featuresetOf(i)])].join('\n');
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function datasetOf(i: number): string {
  return `@dataset({ version: 1 })
export class Event${i} {
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @field(t.string.optional) note!: string | null;
  @timestamp() at!: Date;
}`;
}

/** Every fourth has events of its own to read. */
function statsOf(i: number): string {
  const own = i > 0 && i % 4 === 0 ? `${datasetOf(i)}\n` : '';
  const event = `Event${i - (i % 4)}`;
  return `${own}@dataset({ version: 1, index: true })
export class Stats${i} {
  @key(t.string) user_id!: string;
  @field(t.int) count_1h!: number;
  @field(t.float) sum_1d!: number;
  @field(t.float.optional) mean_7d!: number | null;
  @field(t.float.optional) max_30d!: number | null;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [${event}] })
  static count(events: Stream<${event}>) {
    return events
      .filter((row) => row.amount.gt(0))
      .groupBy('user_id')
      .aggregate({
        count_1h: Count({ window: '1h' }),
        sum_1d: Sum({ of: 'amount', window: '1d' }),
        mean_7d: Avg({ of: 'amount', window: '7d' }),
        max_30d: Max({ of: 'amount', window: '30d' }),
      });
  }
}`;
}

function featuresetOf(i: number): string {
  return `@featureset({ entity: 'user_id' })
export class Features${i} {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [Stats${i}, 'count_1h'] }) count_1h!: number;
  @feature(t.float, { id: 3, ref: [Stats${i}, 'mean_7d'], default: 0 }) mean_7d!: number;
  @input(t.float, { id: 4 }) cart!: Input<number>;
  @feature(t.float, { id: 5 }) share!: number;
  @extractor({ inputs: ['user_id', 'mean_7d', 'cart'], outputs: ['share'] })
  static shared({ lookup }: ExtractorContext, { user_id, mean_7d, cart }: { user_id: string; mean_7d: number; cart: number }) {
    return { share: (cart + lookup(Stats${i}, user_id).sum_1d) / (1 + mean_7d) };
  }
}`;
}
