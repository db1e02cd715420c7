// cli: how long a person waits for the command line: the compiled program, each run a process of its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { RestClient } from '../../libs/client/rest-client.js';
import { report, say } from './bench-report.js';
import { startFraudPlatform } from './fraud-platform.js';
import { withFolder } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '30' } } });
const runs = Number(values.runs);
/** As the package has it: beside the bench's own compiled file. */
const program = fileURLToPath(new URL('../../services/program/thyme.js', import.meta.url));

await withFolder(async (dataDir) => {
  const { platform, restUrl } = await startFraudPlatform(dataDir);
  const client = new RestClient({ apiUrl: restUrl });
  const order = { user_id: 'user_1', order_id: 'o1', amount: 70, ordered_at: new Date().toISOString() };
  const { body } = await client.post('/api/v1/log', { dataset: 'Order', events: [order] });
  const { token } = body as { readonly token: string };
  await client.post('/features', { featureset: 'FraudSignals', entity_id: 'user_1', inputs: { cart_total: 1 }, after: token });
  say(`a platform answers; ${runs} runs of each command`);
  const help = await timed(['--help'], 'Usage: thyme');
  const inputs = JSON.stringify({ cart_total: 1 });
  const query = await timed(['query', 'FraudSignals', '-e', 'user_1', '--inputs', inputs, '--url', restUrl], '"total_spend_24h": 70');
  await platform.stop({ graceMs: 5_000 });
  report('cli', [
    { name: 'help_p50_ms', value: help.quantile(0.5) / 1_000, goal: { atMost: 300 }, note: 'thyme --help, from its start to its end' },
    { name: 'help_p99_ms', value: help.quantile(0.99) / 1_000 },
    { name: 'query_p50_ms', value: query.quantile(0.5) / 1_000, goal: { atMost: 400 }, note: 'thyme query, the same' },
    { name: 'query_p99_ms', value: query.quantile(0.99) / 1_000 },
  ]);
});

async function timed(args: readonly string[], expected: string): Promise<Latencies> {
  const latencies = new Latencies();
  for (let i = 0; i < runs; i++) {
    const startUs = nowUs();
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
    latencies.add(nowUs() - startUs);
    if (!stdout.includes(expected)) throw new Error(`thyme ${args.join(' ')} printed something else: ${stdout}`);
  }
  return latencies;
}
