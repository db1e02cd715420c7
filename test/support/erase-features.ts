import { Count, dataset, field, key, pipeline, type Stream, t, timestamp } from 'thyme';

@dataset({ version: 1, index: true })
export class Payment {
  @key(t.string) payer!: string;
  @field(t.string) shop!: string;
  @timestamp() at!: Date;
}

/** Groups by something else than the entity: payments pass from one partition to another. */
@dataset({ version: 1, index: true })
export class ShopPayments {
  @key(t.string) shop!: string;
  @field(t.int) payments!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static count(payments: Stream<Payment>) {
    return payments.groupBy('shop').aggregate({ payments: Count() });
  }
}
