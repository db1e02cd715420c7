// testing: how long a test waits for a deployment of its own (thyme/testing), and for its first answer.
import { parseArgs } from 'node:util';
import { FraudSignals, Order, UserOrderStats } from '../examples/fraud.js';
import { testPlatform } from '../../services/testing/testing.js';
import { report } from './bench-report.js';
import { Latencies, nowUs } from './latencies.js';

const { values } = parseArgs({ options: { starts: { type: 'string', default: '200' } } });
const starts = Number(values.starts);

const started = new Latencies();
const answered = new Latencies();
const order = { user_id: 'user_1', order_id: 'o1', amount: 70, ordered_at: new Date('2026-01-31T11:55:00Z') };
let firstMs = 0;
for (let i = 0; i < starts; i++) {
  const startUs = nowUs();
  const thyme = await testPlatform([Order, UserOrderStats, FraudSignals], { now: '2026-01-31T12:00:00Z' });
  started.add(nowUs() - startUs);
  if (i === 0) firstMs = (nowUs() - startUs) / 1_000;
  const addedUs = nowUs();
  await thyme.add(Order, order);
  const { features } = await thyme.query(FraudSignals, 'user_1', { inputs: { cart_total: 1 } });
  if (features.total_spend_24h !== 70) throw new Error(`a wrong answer: ${JSON.stringify(features)}`);
  answered.add(nowUs() - addedUs);
}
report('testing', [
  {
    name: 'start_p50_ms',
    value: started.quantile(0.5) / 1_000,
    goal: { atMost: 50 },
    note: 'testPlatform of the fraud example, until it answers',
  },
  { name: 'start_p99_ms', value: started.quantile(0.99) / 1_000 },
  { name: 'first_start_ms', value: firstMs, note: 'nothing is compiled yet' },
  { name: 'add_and_query_p50_ms', value: answered.quantile(0.5) / 1_000, note: 'one row, until an answer that counts it' },
]);
