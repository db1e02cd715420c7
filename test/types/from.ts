import { type ExtractorContext, extractor, feature, featureset, input, t, type Input } from '../../libs/definition/thyme.js';
import { FraudSignals, Order, UserOrderStats } from './example.js';
import type { ThymeClient } from './client.js';
import { bigquery, iceberg, kafka, kinesis, postgres, s3, snowflake } from '../../libs/definition/sources.js';
import { secret } from '../../libs/definition/thyme.js';

// Features of another featureset, composite keys, and the constructors of sources.

@featureset({ entity: 'user_id', owner: 'ml@example.com', tags: ['a'] })
export class Taken {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.bool, { id: 2, from: [FraudSignals, 'is_suspicious'], description: 'taken', deprecated: true }) suspicious!: boolean;
  @feature(t.float.optional, { id: 3, from: [FraudSignals, 'max_amount'] }) max!: number | null;
  @feature(t.float, { id: 4, from: [FraudSignals, 'max_amount'], default: 0 }) max_or_0!: number;
  @feature(t.float, { id: 5, from: [FraudSignals, 'cart_total'] }) cart!: number;
  // @ts-expect-error no such feature
  @feature(t.bool, { id: 6, from: [FraudSignals, 'suspicious'] }) a!: boolean;
  // @ts-expect-error a feature of another type
  @feature(t.bool, { id: 7, from: [FraudSignals, 'ratio'] }) b!: boolean;
  // @ts-expect-error it may be null, and there is no default
  @feature(t.float, { id: 8, from: [FraudSignals, 'max_amount'] }) c!: number;
  // @ts-expect-error a default of another type
  @feature(t.float, { id: 9, from: [FraudSignals, 'max_amount'], default: '0' }) d!: number;
}

@featureset({ entity: ['origin', 'destination'] })
class Routes {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.string, { id: 2 }) destination!: string;
  @feature(t.float, { id: 3 }) x!: number;
  @input(t.date, { id: 4 }) day!: Input<string>;
  @extractor({ inputs: ['origin', 'destination', 'day'], outputs: ['x'] })
  static x({ lookup }: ExtractorContext, { origin, destination, day }: Pick<Routes, 'origin' | 'destination' | 'day'>) {
    const stats = lookup(UserOrderStats, { user_id: origin });
    // @ts-expect-error no field of the dataset
    lookup(UserOrderStats, { origin });
    // @ts-expect-error a key of another type
    lookup(UserOrderStats, { user_id: 1 });
    const order = lookup(Order, destination);
    // @ts-expect-error there may be no row
    void order.amount;
    return { x: stats.total_spend_7d + day.length };
  }
}

declare const client: ThymeClient;
await client.query(Routes, { origin: 'a', destination: 'b' }, { inputs: { day: '2026-01-01' } });
// @ts-expect-error no feature of the featureset
await client.query(Routes, { origin: 'a', to: 'b' }, { inputs: { day: '2026-01-01' } });

void [
  kafka({ topic: 't', brokers: ['a:1'], securityProtocol: 'SASL_SSL', saslMechanism: 'PLAIN', saslPassword: secret.env('P'), format: 'avro' }),
  kinesis({ streamArn: 'arn', initPosition: new Date(0) }),
  iceberg({ table: 't', catalog: 'http://127.0.0.1' }),
  s3({ bucket: 'b', pathStyle: true }),
  bigquery({ datasetId: 'd', table: 't', credentialsJson: secret.file('/run/c') }),
  snowflake({ table: 't', privateKey: secret.env('K') }),
  // @ts-expect-error a password written out would be stored
  postgres({ table: 't', password: 'hunter2' }),
  // @ts-expect-error what to read is required
  kafka({}),
  // @ts-expect-error no such option
  s3({ bucket: 'b', buket: 'c' }),
];
