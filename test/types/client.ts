import { ThymeClient, type Answer } from '../../libs/client/thyme-client.js';
import { Order, FraudSignals, UserOrderStats } from './example.js';
import { Ok } from './entity.js';

export type { ThymeClient };

// What only the client's own methods show; errors.ts, inputs.ts and from.ts have the rest.

export async function typedClient(client: ThymeClient): Promise<void> {
  const { rows, asOf } = await client.queryBatch(Ok, ['a', 'b'], { timestamp: asOfOf(await client.query(Ok, 'a')) });
  const id: string | undefined = rows[0]?.user_id; void [id, asOf.getTime()];
  for await (const row of client.queryOffline(Ok, [{ entity: 'a', timestamp: new Date(0) }], { knownAt: 'timestamp' })) void row.features.user_id.length;
  // @ts-expect-error a featureset with request-time inputs is asked with them
  await client.queryBatch(FraudSignals, ['a']);
  await client.queryBatch(FraudSignals, ['a'], { inputs: { cart_total: 1 } });
  await client.queryBatch(FraudSignals, ['a', 'b'], { inputs: [{ cart_total: 1 }, { cart_total: 2 }] });
  // @ts-expect-error an input of another type
  await client.queryBatch(FraudSignals, ['a'], { inputs: [{ cart_total: 'much' }] });
  // @ts-expect-error the same of training sets
  client.queryOffline(FraudSignals, [{ entity: 'a', timestamp: new Date(0) }]);
  for await (const row of client.queryOffline(FraudSignals, [{ entity: 'a', timestamp: new Date(0), inputs: { cart_total: 1 } }])) void row.inputs.cart_total.toFixed();
  for await (const row of client.queryOffline(Ok, [{ entity: 'a', timestamp: new Date(0), label: 1 }])) void row.label.toFixed();
  // @ts-expect-error no instant
  client.queryOffline(Ok, [{ entity: 'a' }]);
  (await client.lookup(UserOrderStats, 'a')).row.order_count_1h.toFixed();
  // @ts-expect-error there may be no row of a raw dataset
  (await client.lookup(Order, 'a')).row.amount.toFixed();
  const { token, eventsSent } = await client.log(Order, [{ user_id: 'u', order_id: 'o', amount: 1, status: 'paid', ordered_at: new Date() }], { producerId: 'p', sequence: 0 });
  void [token?.length, eventsSent.toFixed()];
  // @ts-expect-error no such option
  await client.log(Order, [], { producer: 'p' });
}

function asOfOf(answer: Answer<typeof Ok>): string {
  return answer.asOfExact;
}
