// What the attacked platform has committed: a dataset with a decimal, keyed by text, and features of it.
import { Count, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Decimal, Stream } from 'thyme';

@dataset({ version: 1, index: true })
export class Payment {
  @key(t.string) account!: string;
  @field(t.decimal.optional) amount!: Decimal | null;
  @timestamp() paid_at!: Date;
}

@dataset({ version: 1, index: true })
export class AccountPayments {
  @key(t.string) account!: string;
  @field(t.int) count_1d!: number;
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static payments(payments: Stream<Payment>) {
    return payments.groupBy('account').aggregate({ count_1d: Count({ window: '1d' }) });
  }
}

@featureset({ entity: 'account' })
export class Account {
  @feature(t.string, { id: 1 }) account!: string;
  @feature(t.int, { id: 2, ref: [AccountPayments, 'count_1d'] }) count_1d!: number;
}
