import type { OrdersOptions } from './orders.js';

/** What a bench asks of the load process. */
export type LoadJob =
  /** As fast as `connections` allow, or at `ratePerS`, late ones counted from when they were due. */
  | {
      readonly kind: 'restReads';
      readonly url: string;
      readonly orders: OrdersOptions;
      readonly connections: number;
      readonly seconds: number;
      readonly ratePerS?: number;
      /** Pushes beside the reads. */ readonly pushes?: PushLoad;
    }
  | {
      readonly kind: 'grpcReads';
      readonly target: string;
      readonly orders: OrdersOptions;
      readonly inFlight: number;
      readonly seconds: number;
    }
  /** Requests by turns, of a server that answers whatever it likes: bodies of POST /features, or messages of Query in base64. */
  | {
      readonly kind: 'bareReads';
      readonly protocol: 'rest' | 'grpc';
      readonly url: string;
      readonly requests: readonly string[];
      readonly underWay: number;
      readonly seconds: number;
    }
  /** Pushes alone. */
  | { readonly kind: 'pushes'; readonly url: string; readonly seconds: number; readonly load: PushLoad }
  /** Pushes, and for some of them a read that waits for it (S21). */
  | { readonly kind: 'freshness'; readonly url: string; readonly seconds: number; readonly load: PushLoad }
  | {
      readonly kind: 'offline';
      readonly url: string;
      readonly featureset: 'FraudFacts' | 'FraudCounts';
      readonly orders: OrdersOptions;
      readonly rows: number;
      readonly rowsPerRequest: number;
    };

export interface PushLoad {
  /** Infinity: as fast as the server takes them. */
  readonly eventsPerS: number;
  readonly batchEvents: number;
  readonly entities: number;
  readonly connections: number;
}

/** What the load process has done and seen. Durations in µs. */
export interface LoadResult {
  readonly askedPerS: number;
  readonly achievedPerS: number;
  readonly count: number;
  /** `count`, and what was asked while warming up. */
  readonly served: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers that were compared with what they must be. */
  readonly checked: number;
  /** The first faults found; none is what is hoped for. */
  readonly faults: readonly string[];
  /** The rate of the pushes beside it. */
  readonly pushedPerS: number;
}
