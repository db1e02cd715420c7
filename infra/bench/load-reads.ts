import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { QueryRequestSchema, QueryResponseSchema } from '../../gen/thyme/v1/query_pb.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import { plainFromProto } from '../../libs/wire/untyped-values.js';
import { GrpcConnection } from './grpc-connection.js';
import { Latencies, nowUs } from './latencies.js';
import { QUERY_PATH } from './limits/query-path.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { Pushing } from './load-pushes.js';
import { OrderOracle } from './order-oracle.js';
import { lcg, orders, userId, zipf } from './orders.js';
import { RestConnection } from './rest-connection.js';

/** One answer of so many is compared with the oracle, and at most so many in all: the loop over a hot user's orders takes milliseconds. */
const CHECK_EVERY = 50;
const CHECKS_MAX = 1_000;
const FAULTS_MAX = 5;
/** Before anything counts: code is compiled, and caches are warm. */
const WARM_UP_SHARE = 0.25;

type JobOf<Kind extends LoadJob['kind']> = Extract<LoadJob, { readonly kind: Kind }>;
type Ask = (id: string) => Promise<Answer>;
interface RightAnswer {
  readonly asOfUs: number;
  readonly features: Readonly<Record<string, unknown>>;
}
/** Parsed only where it is looked at. */
type Answer = { readonly parse: () => RightAnswer } | { readonly fault: string };

export async function runRestReads({
  url,
  orders: options,
  connections,
  seconds,
  ratePerS,
  pushes,
}: JobOf<'restReads'>): Promise<LoadResult> {
  const open = Array.from({ length: connections }, () => new RestConnection(url));
  const asks = open.map((connection): Ask => async (id) => {
    const { status, body } = await connection.post(
      '/features',
      `{"featureset":"FraudSignals","entity_id":"${id}","inputs":{"cart_total":900.5}}`,
    );
    return status === 200 ? { parse: () => restAnswer(body) } : { fault: `${status}: ${body}` };
  });
  const reads = new Reading(options, asks); // takes a second, in which no push would go out
  const pushing = pushes === undefined ? undefined : new Pushing(url, pushes);
  const result = await reads.run(seconds, ratePerS);
  const pushed = await pushing?.stop();
  for (const connection of open) connection.close();
  return { ...result, pushedPerS: pushed?.achievedPerS ?? 0, faults: [...result.faults, ...(pushed?.faults ?? [])] };
}

export async function runGrpcReads({ target, orders: options, inFlight, seconds }: JobOf<'grpcReads'>): Promise<LoadResult> {
  const connection = new GrpcConnection(target);
  const inputs = { cart_total: { kind: { case: 'floatValue', value: 900.5 } } } as const;
  const ask: Ask = async (id) => {
    const entity = { values: [{ kind: { case: 'stringValue', value: id } } as const] };
    const bytes = await connection.call(
      QUERY_PATH,
      toBinary(QueryRequestSchema, create(QueryRequestSchema, { featureset: 'FraudSignals', entity, inputs })),
    );
    const parse = (): RightAnswer => {
      const { asOfUs, features } = fromBinary(QueryResponseSchema, bytes);
      return {
        asOfUs: Number(asOfUs),
        features: Object.fromEntries(
          features.map(({ name, value }) => [name, plain(value === undefined ? null : plainFromProto(value, name))]),
        ),
      };
    };
    return { parse };
  };
  const result = await new Reading(
    options,
    Array.from({ length: inFlight }, () => ask),
  ).run(seconds, undefined);
  connection.close();
  return result;
}

function restAnswer(body: string): RightAnswer {
  const { as_of, features } = JSON.parse(body) as { readonly as_of: string; readonly features: Readonly<Record<string, unknown>> };
  return { asOfUs: parseTimestamp(as_of), features };
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

class Reading {
  readonly #asks: readonly Ask[];
  readonly #oracle: OrderOracle;
  readonly #draw: () => number;
  readonly #faults: string[] = [];
  /** Answers to compare once the load is over: comparing them between the reads would delay those, and be measured as the server's. */
  readonly #toCheck: { readonly id: string; readonly parse: () => RightAnswer }[] = [];
  #latencies = new Latencies();

  constructor(options: Parameters<typeof orders>[0], asks: readonly Ask[]) {
    this.#asks = asks;
    this.#oracle = new OrderOracle(orders(options));
    this.#draw = options.skew === 'zipf' ? zipf(options.entities, lcg(99)) : () => 0;
  }

  async run(seconds: number, ratePerS: number | undefined): Promise<LoadResult> {
    await this.#phase(seconds * WARM_UP_SHARE, ratePerS);
    const warmUp = this.#latencies.count;
    this.#latencies = new Latencies();
    const startUs = nowUs();
    await this.#phase(seconds, ratePerS);
    const tookS = (nowUs() - startUs) / 1e6;
    const { count } = this.#latencies;
    for (const { id, parse } of this.#toCheck) {
      const { asOfUs, features } = parse();
      this.#note(this.#oracle.fault(id, asOfUs, features));
    }
    return {
      askedPerS: ratePerS ?? Number.POSITIVE_INFINITY,
      achievedPerS: count / tookS,
      count,
      served: warmUp + count,
      p50Us: this.#latencies.quantile(0.5),
      p99Us: this.#latencies.quantile(0.99),
      checked: this.#toCheck.length,
      faults: this.#faults,
      pushedPerS: 0,
    };
  }

  async #phase(seconds: number, ratePerS: number | undefined): Promise<void> {
    const startUs = nowUs();
    const endUs = startUs + seconds * 1e6;
    let number = 0;
    await Promise.all(
      this.#asks.map(async (ask) => {
        for (;;) {
          const dueUs = ratePerS === undefined ? nowUs() : startUs + (number++ * 1e6) / ratePerS;
          if (dueUs >= endUs) return;
          // Late since the answer before it was: that is the server's. By a timer: that is not.
          await this.#one(ask, (await waitUntil(dueUs)) ? nowUs() : dueUs);
        }
      }),
    );
  }

  /** The latency is counted from `sinceUs` on. */
  async #one(ask: Ask, sinceUs: number): Promise<void> {
    const id = userId(this.#draw());
    const answer = await ask(id);
    this.#latencies.add(nowUs() - sinceUs);
    if ('fault' in answer) this.#note(answer.fault);
    else if (this.#latencies.count % CHECK_EVERY === 0 && this.#toCheck.length < CHECKS_MAX)
      this.#toCheck.push({ id, parse: answer.parse });
  }

  #note(fault: string | undefined): void {
    if (fault !== undefined && this.#faults.length < FAULTS_MAX) this.#faults.push(fault);
  }
}

/**
 * Whether it had to be waited for. By a timer, which may be late by a millisecond: turns of the loop would keep one of
 * two cores busy, which the server wants.
 */
async function waitUntil(dueUs: number): Promise<boolean> {
  const restMs = (dueUs - nowUs()) / 1_000;
  if (restMs <= 0) return false;
  await new Promise((resolve) => setTimeout(resolve, restMs));
  return true;
}
