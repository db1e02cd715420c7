// What the crash suite commits: the orders of the fraud example, and pipelines of the kinds that it lacks:
// re-keyed to another partition, chained on rows that another pipeline passed on, chained on another's answers.
import {
  ApproxPercentile,
  Count,
  Last,
  LastK,
  Max,
  Min,
  Sum,
  dataset,
  feature,
  featureset,
  field,
  key,
  pipeline,
  t,
  timestamp,
} from 'thyme';
import type { Stream } from 'thyme';
import { Order, UserOrderStats } from '../../infra/examples/fraud.js';

export { Order, UserOrderStats };

@featureset({ entity: 'user_id' })
export class OrderSignals {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'] }) total_spend_24h!: number;
  @feature(t.float, { id: 4, ref: [UserOrderStats, 'total_spend_7d'] }) total_spend_7d!: number;
  @feature(t.float, { id: 5, ref: [UserOrderStats, 'max_order_amount_7d'], default: -1 }) max_order_amount_7d!: number;
  @feature(t.float.optional, { id: 6, ref: [UserOrderStats, 'p95_amount_30d'] }) p95_amount_30d!: number | null;
}

@dataset({ version: 1, maxLateness: '10m' })
export class Payment {
  @key(t.string) payer!: string;
  @field(t.string) merchant!: string;
  /** Counts the generator's payments: an order that is lost or swapped shows. */
  @field(t.int) number!: number;
  @field(t.int.optional) cents!: number | null;
  @timestamp() paid_at!: Date;
}

@dataset({ version: 1, index: true })
export class PayerStats {
  @key(t.string) payer!: string;
  @field(t.int) payments!: number;
  @field(t.int) cents!: number;
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static build(payments: Stream<Payment>) {
    return payments.groupBy('payer').aggregate({ payments: Count(), cents: Sum({ of: 'cents' }) });
  }
}

/** The same by a reader of its own: whoever sees another number than in PayerStats has seen half a tick (S15). */
@dataset({ version: 1, index: true })
export class PayerCheck {
  @key(t.string) payer!: string;
  @field(t.int) payments!: number;
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static build(payments: Stream<Payment>) {
    return payments.groupBy('payer').aggregate({ payments: Count() });
  }
}

@dataset({ version: 1, index: true })
export class MerchantStats {
  @key(t.string) merchant!: string;
  @field(t.int) payments!: number;
  @field(t.int) payments_10m!: number;
  @field(t.int) cents_10m!: number;
  @field(t.int.optional) smallest!: number | null;
  @field(t.float.optional) median_10m!: number | null;
  @field(t.list(t.int)) numbers!: number[];
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static build(payments: Stream<Payment>) {
    return payments
      .groupBy('merchant')
      .aggregate({
        payments: Count(),
        payments_10m: Count({ window: '10m' }),
        cents_10m: Sum({ of: 'cents', window: '10m' }),
        smallest: Min({ of: 'cents' }),
        median_10m: ApproxPercentile({ of: 'cents', window: '10m', pct: 50 }),
        numbers: LastK({ of: 'number', k: 25 }),
      });
  }
}

/** S25: rows passed on as they are. */
@dataset({ version: 1, publish: true })
export class LargePayment {
  @key(t.string) payer!: string;
  @field(t.string) merchant!: string;
  @field(t.int) number!: number;
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Payment] })
  static pick(payments: Stream<Payment>) {
    return payments.filter((p) => p.cents.gte(50_000)).select('payer', 'merchant', 'number', 'paid_at');
  }
}

@dataset({ version: 1, index: true })
export class LargeByMerchant {
  @key(t.string) merchant!: string;
  @field(t.int) large!: number;
  @field(t.list(t.int)) numbers!: number[];
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [LargePayment] })
  static build(payments: Stream<LargePayment>) {
    return payments.groupBy('merchant').aggregate({ large: Count(), numbers: LastK({ of: 'number', k: 25 }) });
  }
}

@featureset({ entity: 'payer' })
export class PayerSignals {
  @feature(t.string, { id: 1 }) payer!: string;
  @feature(t.int, { id: 2, ref: [PayerStats, 'payments'] }) payments!: number;
  @feature(t.int, { id: 3, ref: [PayerStats, 'cents'] }) cents!: number;
  @feature(t.int, { id: 4, ref: [PayerCheck, 'payments'] }) check!: number;
}

@featureset({ entity: 'merchant' })
export class MerchantSignals {
  @feature(t.string, { id: 1 }) merchant!: string;
  @feature(t.int, { id: 2, ref: [MerchantStats, 'payments'] }) payments!: number;
  @feature(t.int, { id: 3, ref: [MerchantStats, 'payments_10m'] }) payments_10m!: number;
  @feature(t.int, { id: 4, ref: [MerchantStats, 'cents_10m'] }) cents_10m!: number;
  @feature(t.int, { id: 5, ref: [MerchantStats, 'smallest'], default: -1 }) smallest!: number;
  @feature(t.float.optional, { id: 6, ref: [MerchantStats, 'median_10m'] }) median_10m!: number | null;
  @feature(t.list(t.int), { id: 7, ref: [MerchantStats, 'numbers'] }) numbers!: number[];
  @feature(t.int, { id: 8, ref: [LargeByMerchant, 'large'] }) large!: number;
  @feature(t.list(t.int), { id: 9, ref: [LargeByMerchant, 'numbers'] }) large_numbers!: number[];
}

/** Each walker's steps come in the order of their times: what is known at each of them is then certain (S25). */
@dataset({ version: 1 })
export class Step {
  @key(t.string) walker!: string;
  @field(t.int) length!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true, publish: true })
export class WalkerTotals {
  @key(t.string) walker!: string;
  @field(t.int) steps!: number;
  @field(t.int) distance!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Step] })
  static build(steps: Stream<Step>) {
    return steps.groupBy('walker').aggregate({ steps: Count(), distance: Sum({ of: 'length' }) });
  }
}

/** n steps give the rows 1 to n: their sum is n (n + 1) / 2 if each came once and saw those before it. */
@dataset({ version: 1, index: true })
export class WalkerAudit {
  @key(t.string) walker!: string;
  @field(t.int) rows!: number;
  @field(t.int) sum!: number;
  @field(t.int.optional) furthest!: number | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [WalkerTotals] })
  static build(totals: Stream<WalkerTotals>) {
    return totals.groupBy('walker').aggregate({ rows: Count(), sum: Sum({ of: 'steps' }), furthest: Max({ of: 'distance' }) });
  }
}

@featureset({ entity: 'walker' })
export class WalkerSignals {
  @feature(t.string, { id: 1 }) walker!: string;
  @feature(t.int, { id: 2, ref: [WalkerTotals, 'steps'] }) steps!: number;
  @feature(t.int, { id: 3, ref: [WalkerAudit, 'rows'] }) rows!: number;
  @feature(t.int, { id: 4, ref: [WalkerAudit, 'sum'] }) sum!: number;
  @feature(t.int, { id: 5, ref: [WalkerAudit, 'furthest'], default: 0 }) furthest!: number;
}

/** Pushed without a producer, and never again: acknowledged is there, unanswered is all there or nothing is (L2). */
@dataset({ version: 1 })
export class Note {
  @key(t.string) batch!: string;
  @field(t.int) line!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class NoteStats {
  @key(t.string) batch!: string;
  @field(t.int) lines!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Note] })
  static build(notes: Stream<Note>) {
    return notes.groupBy('batch').aggregate({ lines: Count() });
  }
}

@featureset({ entity: 'batch' })
export class NoteSignals {
  @feature(t.string, { id: 1 }) batch!: string;
  @feature(t.int, { id: 2, ref: [NoteStats, 'lines'] }) lines!: number;
}

/** Rows that are updated and deleted, and come back (S17). */
@dataset({ version: 1, maxLateness: '10m', cdc: 'upsert', rowKey: ['ticket'] })
export class Ticket {
  @key(t.string) ticket!: string;
  @field(t.string) desk!: string;
  @field(t.int) number!: number;
  @field(t.int.optional) cents!: number | null;
  @timestamp() opened_at!: Date;
}

/** One row at most, at any instant: none is lost, two are a duplicate, and one that was deleted has been resurrected. */
@dataset({ version: 1, index: true })
export class TicketStats {
  @key(t.string) ticket!: string;
  @field(t.int) alive!: number;
  @field(t.string.optional) desk!: string | null;
  @timestamp() opened_at!: Date;

  @pipeline({ version: 1, inputs: [Ticket] })
  static build(tickets: Stream<Ticket>) {
    return tickets.groupBy('ticket').aggregate({ alive: Count(), desk: Last({ of: 'desk' }) });
  }
}

/** An update moves a row to another desk, in another partition, or out of the filter. */
@dataset({ version: 1, index: true })
export class DeskStats {
  @key(t.string) desk!: string;
  @field(t.int) open!: number;
  @field(t.int) open_10m!: number;
  @field(t.int) cents_10m!: number;
  @field(t.int.optional) smallest!: number | null;
  @field(t.int.optional) largest_10m!: number | null;
  @field(t.float.optional) median!: number | null;
  @field(t.list(t.int)) numbers!: number[];
  @timestamp() opened_at!: Date;

  @pipeline({ version: 1, inputs: [Ticket] })
  static build(tickets: Stream<Ticket>) {
    return tickets
      .filter((ticket) => ticket.cents.gte(6_000))
      .groupBy('desk')
      .aggregate({
        open: Count(),
        open_10m: Count({ window: '10m' }),
        cents_10m: Sum({ of: 'cents', window: '10m' }),
        smallest: Min({ of: 'cents' }),
        largest_10m: Max({ of: 'cents', window: '10m' }),
        median: ApproxPercentile({ of: 'cents', pct: 50 }),
        numbers: LastK({ of: 'number', k: 25 }),
      });
  }
}

@featureset({ entity: 'ticket' })
export class TicketSignals {
  @feature(t.string, { id: 1 }) ticket!: string;
  @feature(t.int, { id: 2, ref: [TicketStats, 'alive'] }) alive!: number;
  @feature(t.string.optional, { id: 3, ref: [TicketStats, 'desk'] }) desk!: string | null;
}

@featureset({ entity: 'desk' })
export class DeskSignals {
  @feature(t.string, { id: 1 }) desk!: string;
  @feature(t.int, { id: 2, ref: [DeskStats, 'open'] }) open!: number;
  @feature(t.int, { id: 3, ref: [DeskStats, 'open_10m'] }) open_10m!: number;
  @feature(t.int, { id: 4, ref: [DeskStats, 'cents_10m'] }) cents_10m!: number;
  @feature(t.int, { id: 5, ref: [DeskStats, 'smallest'], default: -1 }) smallest!: number;
  @feature(t.int, { id: 6, ref: [DeskStats, 'largest_10m'], default: -1 }) largest_10m!: number;
  @feature(t.float.optional, { id: 7, ref: [DeskStats, 'median'] }) median!: number | null;
  @feature(t.list(t.int), { id: 8, ref: [DeskStats, 'numbers'] }) numbers!: number[];
}
